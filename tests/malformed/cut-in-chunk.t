# ends inside a block of events, as after a full disk
#! mask sizes
$ kymo info --json cut-in-chunk.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":14,"events_dropped":0,"events_damaged":0,"complete":false,"end_reason":"cut","blocks_read":9,"blocks_damaged":1,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":N,"columns_rejected":0,"rows_unknown_type":0}
> status 3
2> kymo: info: 'cut-in-chunk.kymo' is cut: it was not closed, so what came after is not known
$ kymo verify cut-in-chunk.kymo
> offset  bytes  problem  text
> N N  damaged  no intact block up to the end
> result:                damaged
> file_bytes:            N
> blocks_good:           9
> blocks_damaged:        1
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         N
> rows:                  26
> events:                14
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 no
2> kymo: verify: 'cut-in-chunk.kymo' has no end: it was cut, or its recorder was killed
? 3
$ kymo dump cut-in-chunk.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 26
> status 3
2> kymo: dump: 'cut-in-chunk.kymo' is damaged: 1 blocks and N bytes could not be read
$ kymo import --quiet cut-in-chunk.kymo -o out.db; echo "status $?"; ls
> status 3
> cut-in-chunk.kymo
> out.db
2> kymo: import: 'cut-in-chunk.kymo' is cut: it was not closed, so what came after is not known
