# one bit in the payload of a block of events
#! mask sizes
$ kymo info --json chunk-bit.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":14,"events_dropped":0,"events_damaged":622,"complete":false,"end_reason":"normal","blocks_read":16,"blocks_damaged":1,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":N,"columns_rejected":0,"rows_unknown_type":0}
> status 3
2> kymo: info: 'chunk-bit.kymo' is damaged: 1 block and N bytes could not be read, and with them at least 622 events; `kymo verify` says where
$ kymo verify --decode chunk-bit.kymo
> path:                  chunk-bit.kymo
>
> problems
> offset  bytes  problem  from_s    to_s      blocks  events  text
> N N  damaged  0.000017  0.000057       1      14  block 8 (chunk): payload checksum is wrong
> N N  lost            -         -       -   1,040  some of the missing blocks held counts of system calls: 1040 calls are missing
> result:                damaged
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              1
> blocks_good:           16
> blocks_damaged:        1
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         N
> rows:                  42
> events:                14
> events_missing:        1,054
> events_written:        28
> events_counted:        432
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 yes
> end_reason:            normal
? 3
$ kymo dump chunk-bit.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 42
> status 3
2> kymo: dump: 'chunk-bit.kymo' is damaged: 1 blocks and N bytes could not be read
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 2), --type syscall_count (calls: 432)
$ kymo import --quiet chunk-bit.kymo -o out.db; echo "status $?"; ls
> status 3
> chunk-bit.kymo
> out.db
2> kymo: import: 'chunk-bit.kymo' is damaged: 1 block and N bytes could not be read, and with them at least 622 events; `kymo verify` says where
2> kymo: import: calls: all of the time, 432 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
