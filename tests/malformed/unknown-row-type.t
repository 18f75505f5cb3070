# rows of a type the schema does not know
#! mask sizes
$ kymo info --json unknown-row-type.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":14,"events_dropped":0,"events_damaged":0,"complete":true,"end_reason":"normal","blocks_read":17,"blocks_damaged":0,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":0,"rows_unknown_type":1}
> status 3
2> kymo: info: 'unknown-row-type.kymo' was written by a newer version: 0 blocks and 1 rows of unknown type were left out
$ kymo verify --decode unknown-row-type.kymo
> path:                  unknown-row-type.kymo
>
> problems
> offset  bytes  problem  from_s    to_s      blocks  events  text
> N N  unknown  0.000019  0.000052       1       -  1 rows of unknown type 4000
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
> events_missing:        13
> events_written:        28
> events_counted:        432
> rows_unknown_type:     1
> columns:               N
> columns_rejected:      0
> ended:                 yes
> end_reason:            normal
? 3
$ kymo dump unknown-row-type.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 42
> status 3
2> kymo: dump: 0 blocks and 1 rows of unknown type skipped
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 2), --type syscall_count (calls: 432)
$ kymo import --quiet unknown-row-type.kymo -o out.db; echo "status $?"; ls
> status 3
> out.db
> unknown-row-type.kymo
2> kymo: import: 'unknown-row-type.kymo' was written by a newer version: 0 blocks and 1 rows of unknown type were left out
2> kymo: import: calls: all of the time, 432 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
