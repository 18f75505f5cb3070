# not damage: one capture after the other
#! mask sizes
$ kymo info --json two-captures.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":56,"events_dropped":0,"events_damaged":0,"complete":true,"end_reason":"normal","blocks_read":34,"blocks_damaged":0,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":0,"rows_unknown_type":0}
> status 0
$ kymo verify --decode two-captures.kymo
> path:                  two-captures.kymo
> result:                good
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              2
> blocks_good:           34
> blocks_damaged:        0
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         0
> rows:                  112
> events:                56
> events_missing:        0
> events_written:        56
> events_counted:        528
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 yes
> end_reason:            normal
$ kymo dump two-captures.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 112
> status 0
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 3), --type syscall_count (calls: 528)
$ kymo import --quiet two-captures.kymo -o out.db; echo "status $?"; ls
> status 0
> out.db
> two-captures.kymo
2> kymo: import: calls: all of the time, 528 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
