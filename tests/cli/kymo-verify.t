# What verify says of several captures, of standard input and of what is no capture; the worst status counts.
#! mask sizes
$ cp $SAMPLES/all.kymo whole.kymo; head -c 30000 whole.kymo >cut.kymo; echo text >text.kymo; kymo verify whole.kymo
> path:                  whole.kymo
> result:                good
> checked:               checksums and headers of all blocks, and counters; --decode also decodes all rows
> file_bytes:            N
> captures:              1
> blocks_good:           16
> blocks_damaged:        0
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         0
> rows:                  3,317
> events:                3,000
> events_missing:        0
> events_written:        3,000
> ended:                 yes
> end_reason:            normal
$ kymo verify - <whole.kymo | head -2
> path:                  -
> result:                good
$ cat whole.kymo | kymo verify --decode - | grep -E 'result|checked|columns'
> result:                good
> checked:               everything: every row was decoded
> columns:               N
> columns_rejected:      0
$ kymo verify whole.kymo cut.kymo text.kymo missing.kymo | grep -E 'path|result'; echo "status ${PIPESTATUS[0]}"
> path:                  whole.kymo
> result:                good
> path:                  cut.kymo
> result:                damaged
> status 1
2> kymo: verify: 'text.kymo' is not a kymo capture: no intact block in N bytes
2> kymo: verify: open 'missing.kymo': No such file or directory
$ kymo verify text.kymo cut.kymo >/dev/null; echo "status $?"; kymo verify cut.kymo whole.kymo >/dev/null; echo "status $?"
> status 2
> status 3
2> kymo: verify: 'text.kymo' is not a kymo capture: no intact block in N bytes
$ kymo verify --json whole.kymo cut.kymo | jq -c '[.path, .result, .decoded, .ended, (.problems | length)]'
> ["whole.kymo","good",false,true,0]
> ["cut.kymo","damaged",false,false,2]
$ cp whole.kymo bit.kymo; printf '\377' | dd of=bit.kymo bs=1 seek=20000 conv=notrunc status=none; kymo verify --json bit.kymo | jq -c '.problems[0] | del(.offset, .bytes)'; echo "status ${PIPESTATUS[0]}"
> {"problem":"damaged","from_s":0.002989,"to_s":0.002989,"from_ns":1000002989562,"to_ns":1000002989562,"from_realtime":"2026-01-01T00:00:00.002989Z","to_realtime":"2026-01-01T00:00:00.002989Z","blocks":1,"events":3000,"text":"block 10 (chunk): payload checksum is wrong"}
> status 3
$ kymo verify bit.kymo | sed -n '3,5p'
> problems
> offset   bytes  problem  from_s    to_s      blocks  events  text
> N N  damaged  0.002989  0.002989       1   3,000  block 10 (chunk): payload checksum is wrong
$ cat bit.kymo cut.kymo >both.kymo; kymo verify --stop both.kymo | grep -c "blocks\? [0-9]"; kymo verify --strict both.kymo >/dev/null; echo "status $?"
> 1
> status 2
$ kymo verify --strict --stop whole.kymo
2> kymo: verify: --stop: choose --strict or --stop, not both
? 2
$ kymo verify --strict whole.kymo >/dev/null
