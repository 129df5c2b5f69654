"""A service that finds others and is found, by py-eureka-client, which reads nothing but XML.

usage: discovery.py '{"registry": URL, "name": …, "id": …}'; cancels its registration when its input ends.
"""

import http.server
import json
import sys
import threading

from lines import answer_all

from py_eureka_client import eureka_client


class Health(http.server.BaseHTTPRequestHandler):
    """What others find at the registered address."""

    def do_GET(self):
        body = b'{"status":"UP"}'
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def instances(name):
    found = eureka_client.get_client().applications.get_application(name)
    return {
        instance.instanceId: {
            "host": instance.hostName,
            "port": instance.port.port,
            "status": instance.status,
            "metadata": instance.metadata,
        }
        for instance in found.up_instances
    }


def call(name, path):
    return eureka_client.do_service(name, path, return_type="json")


def main():
    settings = json.loads(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    eureka_client.init(
        eureka_server=settings["registry"],
        app_name=settings["name"],
        instance_id=settings["id"],
        instance_host="127.0.0.1",
        instance_ip="127.0.0.1",
        instance_port=server.server_port,
        renewal_interval_in_secs=1,
        duration_in_secs=10,
        metadata={"zone": "primary", "place": "a <shelf> & more"},
    )
    answer_all({"instances": instances, "call": call})
    eureka_client.stop()


if __name__ == "__main__":
    main()
