# the schema and its replica taken out
#! mask sizes
$ kymo info --json no-schema.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":28,"events_dropped":0,"events_damaged":0,"complete":false,"end_reason":"normal","blocks_read":15,"blocks_damaged":0,"blocks_lost":2,"blocks_unknown":0,"bytes_skipped":0,"columns_rejected":0,"rows_unknown_type":0}
> status 3
2> kymo: info: 'no-schema.kymo' is damaged: 2 blocks and N bytes could not be read; `kymo verify` tells where
$ kymo verify no-schema.kymo
> offset  bytes  problem  text
> result:                damaged
> file_bytes:            N
> blocks_good:           15
> blocks_damaged:        0
> blocks_lost:           2
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         0
> rows:                  52
> events:                28
> events_written:        28
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 yes
? 3
$ kymo dump no-schema.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 52
> status 3
2> kymo: dump: 'no-schema.kymo' is damaged: 2 blocks and N bytes could not be read
$ kymo import --quiet no-schema.kymo -o out.db; echo "status $?"; ls
> status 3
> no-schema.kymo
> out.db
2> kymo: import: 'no-schema.kymo' is damaged: 2 blocks and N bytes could not be read; `kymo verify` tells where
