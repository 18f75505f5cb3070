# With --json an error is an object on standard output, too; standard error and the exit status are as without.
$ kymo syscalls --json nope.kymo
> {
>   "error": {
>     "command": "syscalls",
>     "code": "not_found",
>     "message": "open 'nope.kymo': No such file or directory",
>     "status": 1
>   }
> }
2> kymo: syscalls: open 'nope.kymo': No such file or directory
? 1
$ kymo syscalls --json --pid x $SAMPLES/live.kymo 2>/dev/null
> {
>   "error": {
>     "command": "syscalls",
>     "code": "usage",
>     "message": "--pid: 'x' is not a process id; --comm takes names",
>     "status": 2
>   }
> }
? 2
$ kymo sql --json $SAMPLES/live.kymo 'SELECT nope' 2>/dev/null
> {
>   "error": {
>     "command": "sql",
>     "code": "failed",
>     "message": "no such column: nope",
>     "status": 1
>   }
> }
? 1
$ kymo sql --json $SAMPLES/live.kymo 'SELECT abs(-9223372036854775807 - value) FROM generate_series(1, 3)' 2>/dev/null | jq -r .error.code
> failed
$ kymo folded --json --nope $SAMPLES/live.kymo 2>/dev/null | jq -c '.error | [.command, .code, .status]'
> ["folded","usage",2]
$ kymo nope --json 2>/dev/null | jq -c '.error | [.command, .code, .status]'
> ["nope","usage",2]
$ kymo offcpu --json --pid 1 $SAMPLES/waits.kymo 2>/dev/null | jq -c '.error | [.command, .code, .status]'
> ["offcpu","not_found",1]
$ head -c 60000 $SAMPLES/live.kymo >cut.kymo; kymo info --json --strict cut.kymo 2>/dev/null | jq -c 'has("error")'
> true
$ printf 'x' >text; kymo info --json text 2>/dev/null | jq -c '.error | [.command, .code, .status]'
> ["info","no_capture",1]
# A document that was begun is taken back: what arrives is one object.
$ kymo sql --json $SAMPLES/live.kymo 'SELECT abs(CASE WHEN rowid > 10 THEN -9223372036854775807 - 1 ELSE 1 END) FROM syscall' 2>/dev/null | jq -c '[keys[0], .error.message]'
> ["error","integer overflow"]
# Without --json nothing is written there.
$ kymo syscalls nope.kymo 2>/dev/null
? 1
$ kymo syscalls --csv nope.kymo 2>/dev/null
? 1
