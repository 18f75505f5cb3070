# kymo FILE is the first answer: at most 20 lines of at most 80 columns.
$ cp $SAMPLES/live.kymo .; kymo live.kymo | tail -1
> next: kymo syscalls live.kymo; kymo flame live.kymo -o live.kymo.svg
$ kymo live.kymo >first.txt; kymo summary live.kymo | cmp - first.txt && echo same
> same
$ kymo-record --source synthetic:events=50000,mix=all,seed=3 -q -o synthetic.kymo; for f in $SAMPLES/*.kymo $SAMPLES/../../tests/golden/1.*/*.kymo synthetic.kymo; do kymo $f 2>/dev/null >out.txt; [ $? = 0 -o $? = 3 ] || echo "$f failed"; awk -v f=$f 'length > 80 { print f ": " $0 } END { if (NR > 20 || NR < 3) print f ": " NR " lines" }' out.txt; done
# A database says the same; where waits were recorded, too.
$ for f in $SAMPLES/all.kymo $SAMPLES/loss.kymo $SAMPLES/../../tests/golden/1.2/type-offcpu.kymo $SAMPLES/../../tests/golden/1.2/type-offcpu_count.kymo $SAMPLES/../../tests/golden/1.2/not-closed.kymo synthetic.kymo; do kymo import -q --no-symbols -f $f -o x.db 2>/dev/null; kymo summary --no-symbols --json $f 2>/dev/null >capture.json; kymo summary --json x.db 2>/dev/null | cmp - capture.json && echo same; done
> same
> same
> same
> same
> same
> same
# JSON has all parts, empty or not.
$ for f in live synthetic; do kymo $f.kymo --json | jq -c 'keys_unsorted, (.waits | length), (.cpu | length)'; done
> ["capture","coverage","cost","cpu","waits","slowest","in_flight","net","disks","memory","loss"]
> 0
> 3
> ["capture","coverage","cost","cpu","waits","slowest","in_flight","net","disks","memory","loss"]
> 0
> 5
# Parts that were not recorded are left out, with their headings.
$ kymo-record --source synthetic:events=1000,mix=syscalls,seed=1 -q -o calls.kymo; kymo calls.kymo | grep -c 'CPU TIME\|WAITED\|flame\|offcpu FILE'
> 0
? 1
# Loss and damage: said on standard error, status 3.
$ kymo $SAMPLES/loss.kymo >out.txt; echo "status $?"; head -c 20000 live.kymo >cut.kymo; kymo cut.kymo >out.txt; echo "status $?"
> status 3
> status 3
2> kymo: summary: 'cut.kymo' was cut off before its end: what came after is unknown
# What is no input is no input, whatever its name says; commands and their typos come first.
$ : >empty.kymo; kymo empty.kymo; echo "status $?"; echo text >text.txt; kymo text.txt; echo "status $?"; echo text >ifno; kymo ifno; echo "status $?"; cp live.kymo ifno; kymo ifno | head -n -1 >out.txt; head -n -1 first.txt | cmp - out.txt; kymo no-such.kymo; echo "status $?"; kymo .; echo "status $?"
> status 1
> status 2
> status 2
> status 1
> status 2
2> kymo: summary: 'empty.kymo' is neither a kymo capture nor a database made by `kymo import`
2> kymo: 'text.txt' is neither a command, nor a capture or database
2> kymo: no command 'ifno'; did you mean info?
2> kymo: summary: open 'no-such.kymo': No such file or directory
2> kymo: '.' is neither a command, nor a capture or database
$ cat live.kymo | kymo - | head -1; kymo import -q --no-symbols live.kymo calls.kymo -o two.db; kymo two.db; echo "status $?"; kymo two.db --capture 2 | head -1
> sample-host, Linux 6.18.44-fc-v657, 2 CPUs, 2026-11-23 01:18:00 UTC, 2.113 s
> status 2
> synthetic, Linux synthetic, 4 CPUs, 2026-01-01 00:00:00 UTC, 992.434 us
2> kymo: summary: 'two.db' holds several captures: choose one with --capture; `kymo info` lists them
# Names of processes that differ in digits only are one family.
$ kymo import -q --no-symbols live.kymo -f -o f.db; sqlite3 f.db "UPDATE process SET comm = 'kworker/' || (rowid % 3) || ':' || rowid WHERE rowid > 1" "SELECT DISTINCT family FROM process_families WHERE family LIKE 'kw%'"
> kworker/#
# How much was recorded is one line, in words as short as it takes; nothing of it is cut off.
$ kymo import -q -f $SAMPLES/../../tests/golden/1.2/type-offcpu.kymo -o g.db; add() { sqlite3 g.db "INSERT INTO governor(capture_id, time_ns, from_ns, limit_value, measured_value, resource, event_class, state, sample_hz, cause, effect) SELECT id, start_ns + $2 * (end_ns - start_ns) / 100, 0, 0, 0, 0, $1, $3, $4, '', '' FROM capture"; kymo g.db 2>/dev/null | sed -n 2p; }; add 4 0 0 0; add 1 0 0 0; add 1 9 1 0; add 1 12 3 0; add 0 0 0 99; add 0 40 2 49; add 4 50 1 0; add 4 51 3 0; sqlite3 g.db 'UPDATE capture SET events_dropped = 123456789'; add 0 80 3 0
> waits: all of the time; 0 lost
> calls, waits: all of the time; 0 lost
> calls: 8 % of the time one by one, 91 % counted; waits: all of the time; 0 lost
> calls: 8 % of the time one by one, 3 % counted; waits: all of the time; 0 lost
> calls: 8 % of the time, 3 % counted; waits, CPU samples: always; 0 lost
> calls: 8 % of the time, 3 % counted; waits, CPU samples: always; 0 lost
> calls: 8 % (3 % counted); waits: 50 % (50 % counted); CPU: 100 %; 0 lost
> calls: 8 % (3 % counted); waits: 50 % (0.9 % counted); CPU: 100 %; 0 lost
> calls: 8 % of the time; waits: 50 %; CPU: 79 %; 123,456,789 lost
