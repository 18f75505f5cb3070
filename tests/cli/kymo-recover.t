# A damaged capture becomes a sound one that says what it lost; nothing that exists is touched.
#! mask sizes
$ cp $SAMPLES/all.kymo whole.kymo; cp whole.kymo bit.kymo; printf '\377' | dd of=bit.kymo bs=1 seek=20000 conv=notrunc status=none; kymo recover bit.kymo -o good.kymo; echo "status $?"; stat -c %a good.kymo
> status 3
> 600
2> kymo: recover: 'bit.kymo': kept 9 blocks with 317 rows, 0 events
2> kymo: recover: 'bit.kymo': lost 1 block, 26344 bytes of the file, 3000 events; loss and mark rows of the output say when
$ kymo verify --decode good.kymo | grep -E 'result|checked|problems'; zstd -tq good.kymo && echo fine
> result:                good
> checked:               everything: every row was decoded
> fine
$ kymo dump good.kymo -t loss; kymo dump good.kymo -t mark | jq -r .text
> {"type":"loss","time_ns":1000002989562,"from_ns":1000002989562,"lost_count":188,"event_class":0,"event_class_name":"cpu","cpu":4294967295,"reason":7,"reason_name":"damaged"}
> {"type":"loss","time_ns":1000002989562,"from_ns":1000002989562,"lost_count":2795,"event_class":1,"event_class_name":"syscalls","cpu":4294967295,"reason":7,"reason_name":"damaged"}
> {"type":"loss","time_ns":1000002989562,"from_ns":1000002989562,"lost_count":11,"event_class":2,"event_class_name":"tasks","cpu":4294967295,"reason":7,"reason_name":"damaged"}
> {"type":"loss","time_ns":1000002989562,"from_ns":1000002989562,"lost_count":6,"event_class":3,"event_class_name":"mappings","cpu":4294967295,"reason":7,"reason_name":"damaged"}
> damaged at byte N of the damaged capture, 26344 bytes: block 10 (chunk): payload checksum is wrong
2> kymo: dump: 3000 events are missing: its loss rows say why
2> kymo: dump: 3000 events are missing: its loss rows say why
$ kymo info --json good.kymo | jq -c '[.events_stored, .events_dropped, .events_damaged, .complete, .end_reason], (.classes[] | [.class, .attempted_count, .stored_count, .lost_count])'
> [0,0,3000,false,"normal"]
> ["cpu",188,0,188]
> ["mappings",6,0,6]
> ["syscalls",2795,0,2795]
> ["tasks",11,0,11]
2> kymo: info: 'good.kymo' was recovered from a damaged capture: at least 3000 events are missing
$ kymo syscalls good.kymo >/dev/null; echo "status $?"; kymo flame good.kymo -o f.svg; echo "status $?"
> status 3
> status 3
2> kymo: syscalls: 'good.kymo' was recovered from a damaged capture: at least 3000 events are missing
2> kymo: syscalls: no system calls: were they recorded (-e syscalls)?
2> kymo: flame: no CPU samples: were they recorded (-e cpu)?
2> kymo: flame: 'good.kymo' was recovered from a damaged capture: at least 3000 events are missing
$ kymo recover -q bit.kymo -o again.kymo 2>/dev/null; cmp good.kymo again.kymo && echo "the same again"
> the same again
$ kymo recover good.kymo -o twice.kymo; kymo dump good.kymo >a 2>/dev/null; kymo dump twice.kymo >b 2>/dev/null; cmp a b && echo equal
> equal
2> kymo: recover: 'good.kymo': kept 13 blocks with 339 rows, 0 events
# a sound capture comes out equal, whether it comes from a file or a pipe
$ kymo recover -q whole.kymo -o copy.kymo; echo "status $?"; kymo dump whole.kymo >a; kymo dump copy.kymo >b; cmp a b && echo equal
> status 0
> equal
$ cat whole.kymo | kymo recover -q - -o - | cmp - copy.kymo && echo "the same through pipes"
> the same through pipes
# the head is gone: the replicas at the end serve. No head and no replicas: what can be known of it
$ head -c 200 /dev/zero >zeros; (cat zeros; tail -c +201 whole.kymo) >headless.kymo; kymo recover -q headless.kymo -o h.kymo; kymo info --json h.kymo | jq -c '[.host, .kernel, .complete]'
> ["synthetic","synthetic",false]
2> kymo: recover: 'headless.kymo': kept 10 blocks with 3317 rows, 3000 events
2> kymo: recover: 'headless.kymo': lost 1 block, 280 bytes of the file, 0 events; loss and mark rows of the output say when
2> kymo: info: 'h.kymo' was recovered from a damaged capture: not all of it could be read
$ head -c 38000 headless.kymo >stump.kymo; kymo recover stump.kymo -o s.kymo; kymo verify --decode s.kymo | grep -E 'result|end_reason'; kymo info s.kymo >/dev/null
> result:                good
> end_reason:            recovered
2> kymo: recover: 'stump.kymo': kept 10 blocks with 3317 rows, 3000 events
2> kymo: recover: 'stump.kymo': lost 2 blocks, 1136 bytes of the file, an unknown number of events; loss and mark rows of the output say when
2> kymo: recover: 'stump.kymo': the end was missing; what came after is unknown
2> kymo: info: 's.kymo' was recovered from a damaged capture: it had no end; what came after is unknown
? 3
# two captures in one file stay two
$ cat bit.kymo $SAMPLES/loss.kymo | kymo recover -q - -o - 2>/dev/null | kymo verify --decode --json - | jq -c '[.result, .captures, .events]'
> ["good",2,39913]
# what exists is not touched; what is no capture is refused; nothing is left of what failed
$ echo precious >there.kymo; kymo recover bit.kymo -o there.kymo; echo "status $?"; cat there.kymo; kymo recover -q -f bit.kymo -o there.kymo 2>/dev/null; cmp there.kymo good.kymo && echo replaced
> status 1
> precious
> replaced
2> kymo: recover: recover into 'there.kymo': 'there.kymo' exists: give another name with -o, or -f to replace it
$ kymo recover bit.kymo -o bit.kymo -f
2> kymo: recover: recover into 'bit.kymo': 'bit.kymo' is both a capture to read and the output
? 2
$ echo text >text.kymo; kymo recover text.kymo -o t.kymo; echo "status $?"; ls t.kymo*
> status 2
2> kymo: recover: 'text.kymo' is not a kymo capture: no intact block in N bytes
2> ls: cannot access 't.kymo*': No such file or directory
? 2
$ kymo recover bit.kymo
2> kymo: recover: no output: name the capture to write with -o OUT
? 2
$ kymo recover missing.kymo -o m.kymo
2> kymo: recover: open 'missing.kymo': No such file or directory
? 1
$ kymo recover bit.kymo -o no/such/dir.kymo
2> kymo: recover: recover into 'no/such/dir.kymo': create 'no/such/dir.kymo.part': No such file or directory
? 1
$ kymo recover bit.kymo -o - >/dev/full; echo "status $?"; ls | grep -c part
> status 1
> 0
2> kymo: recover: write at byte N: No space left on device
? 1
