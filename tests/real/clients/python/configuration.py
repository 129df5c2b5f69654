"""Reads a configuration by config-client.

usage: configuration.py '{"server": URL, "user": …, "password": …, "name": …, "profile": …, "label": …}'
"""

import json
import sys

from lines import answer_all

from config.spring import ConfigClient


def main():
    settings = json.loads(sys.argv[1])
    caller = (settings["user"], settings["password"])
    client = ConfigClient(
        address=settings["server"],
        app_name=settings["name"],
        profile=settings["profile"],
        label=settings["label"],
    )
    client.get_config(auth=caller)
    answer_all(
        {
            "properties": lambda *keys: [client.get(key, None) for key in keys],
            "encrypt": lambda text: client.encrypt(text, auth=caller),
            "decrypt": lambda text: client.decrypt(text, auth=caller),
            "file": lambda name: client.get_file(name, auth=caller),
        }
    )


if __name__ == "__main__":
    main()
