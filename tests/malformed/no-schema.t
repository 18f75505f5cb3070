# the schema and its replica taken out
#! mask sizes
$ kymo info --json no-schema.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":28,"events_dropped":0,"events_damaged":608,"complete":false,"end_reason":"normal","blocks_read":15,"blocks_damaged":0,"blocks_lost":2,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":0,"rows_unknown_type":0}
> status 3
2> kymo: info: 'no-schema.kymo' is damaged: 2 blocks and N bytes could not be read, and with them at least 608 events; `kymo verify` says where
$ kymo verify --decode no-schema.kymo
> path:                  no-schema.kymo
>
> problems
> offset  bytes  problem    from_s  to_s      blocks  events  text
> N N  lost            -  0.000004       1       0  block 1 is missing here
> N N  lost     0.000107         -       1       0  block 13 is missing here
> N N  lost            -         -       -   1,040  some of the missing blocks held counts of system calls: 1040 calls are missing
> result:                damaged
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              1
> blocks_good:           15
> blocks_damaged:        0
> blocks_lost:           2
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         0
> rows:                  56
> events:                28
> events_missing:        1,040
> events_written:        28
> events_counted:        432
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 yes
> end_reason:            normal
? 3
$ kymo dump no-schema.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 56
> status 3
2> kymo: dump: 'no-schema.kymo' is damaged: 2 blocks and N bytes could not be read
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 2), --type syscall_count (calls: 432)
$ kymo import --quiet no-schema.kymo -o out.db; echo "status $?"; ls
> status 3
> no-schema.kymo
> out.db
2> kymo: import: 'no-schema.kymo' is damaged: 2 blocks and N bytes could not be read, and with them at least 608 events; `kymo verify` says where
2> kymo: import: calls: all of the time, 432 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
