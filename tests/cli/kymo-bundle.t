# One zip file for a bug report: it asks whether to redact, says what is in it, and every command opens it.
$ kymo bundle $SAMPLES/live.kymo -o web1.zip
2> kymo: bundle: choose: --redact removes what is private, --no-redact packs the capture as it is
? 2
$ kymo bundle --redact --no-redact $SAMPLES/live.kymo -o web1.zip
2> kymo: bundle: choose: --redact removes what is private, --no-redact packs the capture as it is
? 2
$ kymo bundle --redact=most $SAMPLES/live.kymo -o web1.zip
2> kymo: bundle: --redact: unknown level 'most': it is share or strict
? 2
$ kymo bundle --redact $SAMPLES/live.kymo -o web1.zip 2>&1 | sed 's/[0-9]* KiB/N KiB/'; unzip -Z1 web1.zip; kymo web1.zip | head -2
> kymo: bundle: 'web1.zip': N KiB: capture.kymo (share), report.md, MANIFEST.json
> MANIFEST.json
> report.md
> capture.kymo
> host-1, Linux 6.18.44-fc-v657, 2 CPUs, 2026-11-23 01:18:00 UTC, 2.113 s
> calls, CPU samples: all of the time; 0 lost
$ kymo bundle --redact $SAMPLES/live.kymo -o web1.zip
2> kymo: bundle: bundle into 'web1.zip': 'web1.zip' exists: give another name with -o, or -f to replace it
? 1
$ kymo bundle --redact --max-size 1x $SAMPLES/live.kymo -o x.zip
2> kymo: bundle: --max-size: '1x' is no size like 25M, 800K or 0
? 2
$ kymo bundle --redact --max-size 40K $SAMPLES/live.kymo -o x.zip
2> kymo: bundle: --max-size: a bundle takes 64 KiB at least
? 2
$ kymo bundle --redact --around 1:30 $SAMPLES/live.kymo -o x.zip
2> kymo: bundle: --around: '1:30' is no time in seconds since the start
? 2
$ kymo bundle --redact nothing.kymo -o x.zip; echo "status $?"; ls x.zip* 2>&1
> status 1
> ls: cannot access 'x.zip*': No such file or directory
2> kymo: bundle: bundle into 'x.zip': open 'nothing.kymo': No such file or directory
? 2
$ (ulimit -f 8; trap '' XFSZ; kymo bundle --redact $SAMPLES/loss.kymo -o full.zip 2>&1 | head -1 | cut -c1-60); ls full.zip* 2>&1
> kymo: bundle: bundle into 'full.zip': write at byte 8192: Fi
> ls: cannot access 'full.zip*': No such file or directory
? 2
$ gzip -c $SAMPLES/waits.kymo > waits.kymo.gz; kymo verify waits.kymo.gz | grep result
> result:                good
