# all blocks whole, no END: the recorder was killed
#! mask sizes
$ kymo info --json no-end.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":28,"events_dropped":0,"events_damaged":0,"complete":false,"end_reason":"cut","blocks_read":16,"blocks_damaged":0,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":0,"rows_unknown_type":0}
> status 3
2> kymo: info: 'no-end.kymo' was cut off before its end: what came after is unknown
$ kymo verify --decode no-end.kymo
> path:                  no-end.kymo
>
> problems
> offset  bytes  problem  from_s    to_s  blocks  events  text
> N N  cut      0.000107     -       -       -  no END: cut off, or its recorder was killed; what came after is unknown
> result:                damaged
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              1
> blocks_good:           16
> blocks_damaged:        0
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         0
> rows:                  56
> events:                28
> events_missing:        0
> events_written:        0
> events_counted:        432
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 no
> end_reason:            -
? 3
$ kymo dump no-end.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 56
> status 3
2> kymo: dump: 'no-end.kymo' was cut off before its end: what came after is unknown
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 2), --type syscall_count (calls: 432)
$ kymo import --quiet no-end.kymo -o out.db; echo "status $?"; ls
> status 3
> no-end.kymo
> out.db
2> kymo: import: 'no-end.kymo' was cut off before its end: what came after is unknown
2> kymo: import: calls: all of the time, 432 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
