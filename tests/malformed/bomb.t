# 31 MiB of zeros in a few kilobytes
#! mask sizes
$ kymo info --json bomb.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":14,"events_dropped":0,"events_damaged":0,"complete":true,"end_reason":"normal","blocks_read":17,"blocks_damaged":0,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":0,"rows_unknown_type":0}
> status 0
$ kymo verify --decode bomb.kymo
> path:                  bomb.kymo
>
> problems
> offset  bytes  problem  from_s  to_s  blocks  events  text
> N N  lost          -     -       1      14  END counts 28 events; the blocks before it hold 14
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
> rows:                  42
> events:                14
> events_missing:        14
> events_written:        28
> events_counted:        432
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 yes
> end_reason:            normal
? 3
$ kymo dump bomb.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 42
> status 0
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 2), --type syscall_count (calls: 432)
$ kymo import --quiet bomb.kymo -o out.db; echo "status $?"; ls
> status 0
> bomb.kymo
> out.db
2> kymo: import: calls: all of the time, 432 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
