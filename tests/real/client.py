"""A client of Kafka that shares no code with ours, for tests. The broker is $REAL_KAFKA.

    client.py create TOPIC PARTITIONS          makes a topic
    client.py produce TOPIC                    sends a record for each line of standard input, and says where it is
    client.py consume TOPIC GROUP [EFFORT]     reads as a member of a group, EFFORT milliseconds a record, until its input ends
    client.py read TOPIC                       shows all that the topic holds now, outside any group
    client.py group TOPIC GROUP                shows who is in a group, what it has committed and where the topic ends

A record is a line of JSON as in contracts/recorded/kafka: key, value and headers (name, content) in base64, null where absent.
"""

import base64
import json
import os
import select
import sys
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

BROKER = {"bootstrap.servers": os.environ["REAL_KAFKA"]}
# Seconds that an answer may take.
PATIENCE = 30


def create(topic, partitions):
    # The name keeps the client alive until its answer is there.
    admin = AdminClient(BROKER)
    admin.create_topics([NewTopic(topic, int(partitions), 1)])[topic].result(PATIENCE)
    show({"topic": topic, "partitions": int(partitions)})


def produce(topic):
    producer = Producer({**BROKER, "enable.idempotence": True})
    failures = []

    def delivered(error, message):
        if error:
            failures.append(str(error))
        else:
            show({"partition": message.partition(), "offset": message.offset()})

    for line in sys.stdin:
        record = json.loads(line)
        headers = [(header[0], decoded(header[1])) for header in record.get("headers", [])]
        where = {"partition": record["partition"]} if "partition" in record else {}
        producer.produce(
            topic, decoded(record.get("value")), decoded(record.get("key")), headers=headers, on_delivery=delivered, **where
        )
        producer.poll(0)
    if producer.flush(PATIENCE) or failures:
        sys.exit(f"not delivered: {failures}")


def consume(topic, group, effort="0"):
    consumer = Consumer(
        {**BROKER, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, "session.timeout.ms": 6000}
    )
    consumer.subscribe([topic])
    while not input_has_ended():
        message = consumer.poll(0.1)
        if message is None or message.error():
            continue
        time.sleep(int(effort) / 1000)
        show(record_of(message))
        try:
            consumer.commit(message, asynchronous=False)
        except KafkaException as cause:
            # The partition is another member's by now, who reads the record again.
            print(f"not committed: {cause}", file=sys.stderr)
    consumer.close()


def read(topic):
    consumer = Consumer({**BROKER, "group.id": "nobody", "enable.auto.commit": False})
    here = [TopicPartition(topic, partition, 0) for partition in partitions_of(consumer, topic)]
    ends = {part.partition: consumer.get_watermark_offsets(part, PATIENCE)[1] for part in here}
    consumer.assign(here)
    missing = sum(ends.values())
    deadline = time.monotonic() + PATIENCE
    while missing and time.monotonic() < deadline:
        message = consumer.poll(0.1)
        if message and not message.error() and message.offset() < ends[message.partition()]:
            show(record_of(message))
            missing -= 1
    consumer.close()
    if missing:
        sys.exit(f"{missing} records did not come in {PATIENCE} s")


def group(topic, name):
    admin = AdminClient(BROKER)
    description = admin.describe_consumer_groups([name], request_timeout=PATIENCE)[name].result()
    here = [TopicPartition(topic, partition) for partition in partitions_of(admin, topic)]
    committed = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name, here)])[name].result()
    ends = admin.list_offsets({part: OffsetSpec.latest() for part in here})
    ends = {part.partition: end.result().offset for part, end in ends.items()}
    show(
        {
            "state": description.state.name,
            "members": [
                {
                    "client": member.client_id,
                    "instance": member.group_instance_id,
                    "partitions": sorted(part.partition for part in member.assignment.topic_partitions),
                }
                for member in description.members
            ],
            # No commit yet is shown as 0, which is where a member begins.
            "offsets": [
                {"partition": part.partition, "committed": max(part.offset, 0), "end": ends[part.partition]}
                for part in committed.topic_partitions
            ],
        }
    )


def partitions_of(client, topic):
    return sorted(client.list_topics(topic, PATIENCE).topics[topic].partitions)


def record_of(message):
    value = message.value()
    return {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "key": encoded(message.key()),
        "headers": [[name, encoded(content), text_of(content)] for name, content in message.headers() or []],
        "value": encoded(value),
        "text": text_of(value),
    }


def input_has_ended():
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(ready) and not sys.stdin.readline()


def decoded(text):
    return None if text is None else base64.b64decode(text)


def encoded(content):
    return None if content is None else base64.b64encode(content).decode()


def text_of(content):
    return None if content is None else content.decode(errors="replace")


def show(line):
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    {"create": create, "produce": produce, "consume": consume, "read": read, "group": group}[sys.argv[1]](*sys.argv[2:])
