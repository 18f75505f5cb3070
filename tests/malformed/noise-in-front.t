# a line of text before the first block
#! mask sizes
$ kymo info --json noise-in-front.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":28,"events_dropped":0,"events_damaged":608,"complete":false,"end_reason":"normal","blocks_read":17,"blocks_damaged":0,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":N,"columns_rejected":0,"rows_unknown_type":0}
> status 3
2> kymo: info: 'noise-in-front.kymo' is damaged: 0 blocks and N bytes could not be read, and with them at least 608 events; `kymo verify` says where
$ kymo verify --decode noise-in-front.kymo
> path:                  noise-in-front.kymo
>
> problems
> offset  bytes  problem  from_s  to_s      blocks  events  text
> N N  damaged       -  0.000004       -       0  no intact block here: no block marker
> N N  lost          -         -       -   1,040  some of the missing blocks held counts of system calls: 1040 calls are missing
> result:                damaged
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              1
> blocks_good:           17
> blocks_damaged:        0
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         N
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
$ kymo dump noise-in-front.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 56
> status 3
2> kymo: dump: 'noise-in-front.kymo' is damaged: 0 blocks and N bytes could not be read
2> kymo: dump: not everything was stored one by one: see --type governor (decisions: 2), --type syscall_count (calls: 432)
$ kymo import --quiet noise-in-front.kymo -o out.db; echo "status $?"; ls
> status 3
> noise-in-front.kymo
> out.db
2> kymo: import: 'noise-in-front.kymo' is damaged: 0 blocks and N bytes could not be read, and with them at least 608 events; `kymo verify` says where
2> kymo: import: calls: all of the time, 432 counted; CPU samples: 0 % of the time; 0 lost; see kymo overhead
