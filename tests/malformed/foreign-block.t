# a block of another file among ours
#! mask sizes
$ kymo info --json foreign-block.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":28,"events_dropped":0,"events_damaged":466,"complete":false,"end_reason":"normal","blocks_read":16,"blocks_damaged":0,"blocks_lost":1,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":0,"rows_unknown_type":0}
> status 3
2> kymo: info: 'foreign-block.kymo' is damaged: 1 block and N bytes could not be read, and with them at least 466 events; `kymo verify` says where
$ kymo verify --decode foreign-block.kymo
> path:                  foreign-block.kymo
>
> problems
> offset  bytes  problem    from_s      to_s  blocks  events  text
> N N  foreign         -         -       1       -  1 intact block of another capture, or repeated here
> N N  lost     0.000091  0.000098       1       0  block 11 is missing here
> N N  lost            -         -       -     958  some of the missing blocks held counts of system calls: 958 calls are missing
> result:                damaged
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              1
> blocks_good:           16
> blocks_damaged:        0
> blocks_lost:           1
> blocks_unknown:        0
> blocks_foreign:        1
> bytes_skipped:         0
> rows:                  54
> events:                28
> events_missing:        958
> events_written:        28
> events_counted:        492
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 yes
> end_reason:            normal
? 3
$ kymo dump foreign-block.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 54
> status 3
2> kymo: dump: 'foreign-block.kymo' is damaged: 1 blocks and N bytes could not be read
2> kymo: dump: not everything was stored one by one: see --type syscall_count (calls: 492)
$ kymo import --quiet foreign-block.kymo -o out.db; echo "status $?"; ls
> status 3
> foreign-block.kymo
> out.db
2> kymo: import: 'foreign-block.kymo' is damaged: 1 block and N bytes could not be read, and with them at least 466 events; `kymo verify` says where
2> kymo: import: calls: all of the time, 492 counted; CPU samples: all of the time; 0 lost; see kymo overhead
