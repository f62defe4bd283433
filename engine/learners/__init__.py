"""What learns: settings, networks, environments, the learners and what they report. Nothing here is ever stored."""
