# a string number past the string table
#! mask sizes
$ kymo info --json reference-past-table.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":15,"events_dropped":0,"events_damaged":0,"complete":true,"end_reason":"normal","blocks_read":17,"blocks_damaged":0,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":0,"rows_unknown_type":0}
> status 0
$ kymo verify --decode reference-past-table.kymo
> path:                  reference-past-table.kymo
>
> problems
> offset  bytes  problem  from_s  to_s  blocks  events  text
> N N  lost          -     -       1      13  END counts 28 events; the blocks before it hold 15
> result:                damaged
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              1
> blocks_good:           17
> blocks_damaged:        0
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         0
> rows:                  43
> events:                15
> events_missing:        13
> events_written:        28
> events_counted:        432
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 yes
> end_reason:            normal
? 3
$ kymo dump reference-past-table.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 43
> status 0
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 2), --type syscall_count (calls: 432)
$ kymo import --quiet reference-past-table.kymo -o out.db; echo "status $?"; ls
> status 0
> out.db
> reference-past-table.kymo
2> kymo: import: calls: all of the time, 432 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
