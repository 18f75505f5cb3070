# --strict refuses what is damaged and leaves nothing behind; --stop uses what stands before the damage; both say where it is. Every command.
$ cp $SAMPLES/all.kymo whole.kymo; cp whole.kymo bit.kymo; printf '\377' | dd of=bit.kymo bs=1 seek=20000 conv=notrunc status=none; ls | wc -l
> 2
$ for c in info dump folded flame syscalls overhead; do kymo $c --strict bit.kymo >out 2>err; echo "$c $? $(wc -c <out) $(grep -c 'refused by --strict: byte [0-9]*: block 10 (chunk): payload checksum is wrong' err)"; done
> info 2 0 1
> dump 2 0 1
> folded 2 0 1
> flame 2 0 1
> syscalls 2 0 1
> overhead 2 0 1
$ kymo sql --strict bit.kymo 'SELECT 1'; echo "status $?"
> status 2
2> kymo: sql: 'bit.kymo': refused by --strict: byte 10368: block 10 (chunk): payload checksum is wrong
$ kymo import -q --strict bit.kymo -o bit.db; echo "status $?"; kymo flame --strict bit.kymo -o bit.svg; echo "status $?"; ls
> status 2
> status 2
> bit.kymo
> err
> out
> whole.kymo
2> kymo: import: import into 'bit.db': 'bit.kymo': refused by --strict: byte 10368: block 10 (chunk): payload checksum is wrong
2> kymo: flame: 'bit.kymo': refused by --strict: byte 10368: block 10 (chunk): payload checksum is wrong
$ for c in info dump folded flame syscalls overhead; do kymo $c --stop bit.kymo >out 2>err; echo "$c $? $(grep -c 'stopped at the first damage: .bit.kymo.: block 10 at byte [0-9]*: payload checksum is wrong' err)"; done
> info 3 1
> dump 3 1
> folded 3 1
> flame 3 1
> syscalls 3 1
> overhead 3 1
$ kymo sql --stop bit.kymo 'SELECT count(*) AS samples FROM cpu_sample' 2>err; echo "status $?"; cut -c1-60 err
> samples
>       0
> status 3
> kymo: sql: stopped at the first damage: 'bit.kymo': block 10
$ kymo import -q --stop bit.kymo -o bit.db 2>err; echo "status $?"; cut -c1-60 err; ls *.db*
> status 3
> kymo: import: stopped at the first damage: 'bit.kymo': block
> kymo: import: 'bit.kymo' was imported with --stop: 32312 byt
> bit.db
$ for c in info dump folded flame syscalls overhead; do kymo $c --strict whole.kymo >strict 2>/dev/null; kymo $c --stop whole.kymo >stop 2>/dev/null; kymo $c whole.kymo >plain 2>/dev/null; cmp strict plain && cmp stop plain && echo "$c the same"; done
> info the same
> dump the same
> folded the same
> flame the same
> syscalls the same
> overhead the same
# a capture without end is an ordinary state, not damage: all of it is read, and status 3 says so
$ kymo-record --source synthetic:events=2000,mix=all,seed=3 -q -o s.kymo; kymo verify --json s.kymo | jq .file_bytes >size; head -c $(($(cat size) - 136)) s.kymo >open.kymo; kymo dump --strict open.kymo >/dev/null; echo "status $?"
> status 3
2> kymo: dump: 'open.kymo' was cut off before its end: what came after is unknown
$ cat bit.kymo | kymo dump --strict -; echo "status $?"
> status 2
2> kymo: dump: '-': refused by --strict: byte 10368: block 10 (chunk): payload checksum is wrong
$ kymo info --strict --stop whole.kymo
2> kymo: info: --stop: choose --strict or --stop, not both
? 2
