# A recording made with sudo belongs to its caller; one that does not says whose it is and what to type.
#! requires root unprivileged
$ cp "$KYMO_BIN/kymo-record" "$KYMO_BIN/kymo" .; SUDO_UID=65534 SUDO_GID=65534 kymo-record --source synthetic:events=100 -q -o mine.kymo; stat -c '%u:%g %a' mine.kymo; $AS_NOBODY ./kymo info mine.kymo | head -1 | cut -d: -f1
> 65534:65534 600
> path
$ for ids in 0:0 :65534 65534: -1:65534 65534:-1 4294967295:65534 4294967296:0 0x10:1 65534x:1 99999999999999999999:1; do SUDO_UID=${ids%:*} SUDO_GID=${ids#*:} kymo-record --source synthetic:events=10 -q -f -o other.kymo; stat -c '%u:%g' other.kymo; done | sort | uniq -c | sed 's/^ *//'
> 10 0:0
$ mkdir own; chown 65534 own; cd own; SUDO_UID=0 SUDO_GID=0 $AS_NOBODY ../kymo-record --source synthetic:events=10 -q -o own.kymo; stat -c '%u' own.kymo
> 65534
# What an existing file belongs to is not changed, and --force does not change what it replaces into somebody else's.
$ ln -s other.kymo link.kymo; SUDO_UID=65534 SUDO_GID=65534 kymo-record --source synthetic:events=10 -q -f -o link.kymo; echo "status $?"; stat -c '%u' other.kymo
> status 1
> 0
2> kymo-record: output 'link.kymo' is a symbolic link; a capture is only written to a new regular file: use another name, or -o - for a pipe
# Without sudo's word for it: what can be done.
$ kymo-record --source synthetic:events=10 -q -o root.kymo; $AS_NOBODY ./kymo info root.kymo; echo "status $?"
> status 1
2> kymo: info: open 'root.kymo': Permission denied: it belongs to root, mode 0600; run: sudo chown $USER 'root.kymo'
$ kymo import -q root.kymo -o root.db; $AS_NOBODY ./kymo syscalls root.db; $AS_NOBODY ./kymo verify root.kymo; $AS_NOBODY ./kymo recover root.kymo -o own/x.kymo; $AS_NOBODY ./kymo dump root.kymo; $AS_NOBODY ./kymo import root.kymo -o own/x.db; ls own
> own.kymo
2> kymo: syscalls: open 'root.db': Permission denied: it belongs to root, mode 0600; run: sudo chown $USER 'root.db'
2> kymo: verify: open 'root.kymo': Permission denied: it belongs to root, mode 0600; run: sudo chown $USER 'root.kymo'
2> kymo: recover: open 'root.kymo': Permission denied: it belongs to root, mode 0600; run: sudo chown $USER 'root.kymo'
2> kymo: dump: open 'root.kymo': Permission denied: it belongs to root, mode 0600; run: sudo chown $USER 'root.kymo'
2> kymo: import: import into 'own/x.db': open 'root.kymo': Permission denied: it belongs to root, mode 0600; run: sudo chown $USER 'root.kymo'
