# The mail server of `smtp.py`.

installed_smtp() {
    installed_python
}

install_smtp() {
    install_python
}

launch_smtp() {
    mkdir -p "$STATE/smtp.data"
    running smtp "$PYTHON" "$HERE/smtp.py" "$1" "$STATE/smtp.data/mails" "$STATE/smtp.data/control"
}

ready_smtp() {
    listens "$1"
}

addresses_smtp() {
    cat <<EXPORTS
export REAL_SMTP=127.0.0.1:$1
export REAL_SMTP_MAILS=$STATE/smtp.data/mails
export REAL_SMTP_CONTROL=$STATE/smtp.data/control
EXPORTS
}
