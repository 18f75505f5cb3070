# one that may be skipped
#! mask sizes
$ kymo info --json unknown-skippable-block.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":28,"events_dropped":0,"events_damaged":0,"complete":true,"end_reason":"normal","blocks_read":17,"blocks_damaged":0,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":0,"rows_unknown_type":0}
> status 0
$ kymo verify --decode unknown-skippable-block.kymo
> path:                  unknown-skippable-block.kymo
> result:                good
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              1
> blocks_good:           17
> blocks_damaged:        0
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         0
> rows:                  54
> events:                28
> events_missing:        0
> events_written:        28
> events_counted:        432
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 yes
> end_reason:            normal
$ kymo dump unknown-skippable-block.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 54
> status 0
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 2), --type syscall_count (calls: 432)
$ kymo import --quiet unknown-skippable-block.kymo -o out.db; echo "status $?"; ls
> status 0
> out.db
> unknown-skippable-block.kymo
2> kymo: import: calls: all of the time, 432 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
