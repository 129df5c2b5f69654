# Python with the packages of `requirements.txt`, for the programs of this folder that are written in it.

PYTHON=$CACHE/python/bin/python

installed_python() {
    [[ -x $PYTHON ]] && cmp --quiet "$HERE/requirements.txt" "$CACHE/python/requirements.txt"
}

install_python() {
    rm -rf "$CACHE/python"
    python3 -m venv "$CACHE/python"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --requirement "$HERE/requirements.txt" >&2
    cp "$HERE/requirements.txt" "$CACHE/python/requirements.txt"
}
