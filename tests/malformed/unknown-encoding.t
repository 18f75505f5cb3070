# a column in an encoding of a newer version
#! mask sizes
$ kymo info --json unknown-encoding.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":15,"events_dropped":0,"events_damaged":0,"complete":false,"end_reason":"normal","blocks_read":17,"blocks_damaged":0,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":1,"rows_unknown_type":0}
> status 3
2> kymo: info: 'unknown-encoding.kymo': 1 columns could not be decoded and read as NULL
$ kymo verify --decode unknown-encoding.kymo
> path:                  unknown-encoding.kymo
>
> problems
> offset  bytes  problem  from_s    to_s      blocks  events  text
> N N  damaged  0.000019  0.000052       1       0  column module.size_bytes cannot be decoded
> N N  lost            -         -       -   1,040  some of the missing blocks held counts of system calls: 1040 calls are missing
> N N  lost            -         -       1      13  END counts 28 events; the blocks before it hold 15
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
> events_missing:        1,053
> events_written:        28
> events_counted:        432
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      1
> ended:                 yes
> end_reason:            normal
? 3
$ kymo dump unknown-encoding.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 43
> status 3
2> kymo: dump: 1 columns could not be decoded and read as null
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 2), --type syscall_count (calls: 432)
$ kymo import --quiet unknown-encoding.kymo -o out.db; echo "status $?"; ls
> status 3
> out.db
> unknown-encoding.kymo
2> kymo: import: 'unknown-encoding.kymo': 1 columns could not be decoded and read as NULL
2> kymo: import: calls: all of the time, 432 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
