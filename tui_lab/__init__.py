"""The lab in the terminal: screens, widgets and the command line; learns nothing itself."""
