"""The subcommands of `dqn-lab`, one file a command or group; light to import, so that --help is quick."""
