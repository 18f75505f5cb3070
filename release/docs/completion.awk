# Writes the completion of one program for one shell. Usage: awk -v shell=bash|zsh|fish -v program=NAME -f completion.awk ROWS
# After the options of a command files are completed; after -- of kymo-record the names of programs.
BEGIN {
	FS = "\t"
	quote = "'"
}
$1 == "command" {
	command[++commands] = $2
	usage[commands] = $3
	summary[commands] = $4
}
$1 == "option" {
	owner[++options] = $2
	letter[options] = $3
	name[options] = $4
	argument[options] = $5 ~ /^\[/ ? "" : $5 # a value that may be left out is not completed
	values[options] = $5 ~ /^\[/ ? "" : $6
	help[options] = $7
}
END {
	if (program == "kymo") # what main does itself
		words = "help version --help --version"
	else
		words = "help"
	if (shell == "bash")
		bash()
	else if (shell == "zsh")
		zsh()
	else
		fish()
}

# gsub() reads backslashes of its replacement differently from awk to awk.
function replace(text, from, to,    at, done) {
	while ((at = index(text, from)) > 0) {
		done = done substr(text, 1, at - 1) to
		text = substr(text, at + length(from))
	}
	return done text
}

# How the value of an option is completed: files, directories, pids, list (of values, with commas), values, none.
function kind_of(i) {
	if (values[i] != "")
		return argument[i] == "LIST" ? "list" : "values"
	if (argument[i] ~ /^(FILE|OUT|DB)$/)
		return "files"
	if (argument[i] ~ /^(DIR|PATH)$/)
		return "directories"
	if (argument[i] ~ /^PID/)
		return "pids"
	return "none"
}

function flags_of(c,    i, list) {
	for (i = 1; i <= options; i++)
		if (owner[i] == c)
			list = list " --" name[i] (letter[i] == "" ? "" : " -" letter[i])
	return substr(list, 2)
}

# -------- bash --------

function bash_values(c,    i, kind, done) {
	printf "\t%s)\n\t\tcase $prev in\n", c == "" ? "''" : c
	for (i = 1; i <= options; i++) {
		if (owner[i] != c || argument[i] == "")
			continue
		kind = kind_of(i)
		printf "\t\t--%s%s) ", name[i], letter[i] == "" ? "" : " | -" letter[i]
		if (kind == "files")
			printf "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
		else if (kind == "directories")
			printf "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
		else if (kind == "pids")
			printf "mapfile -t COMPREPLY < <(compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$cur\") ;;\n"
		else if (kind == "list")
			printf "mapfile -t COMPREPLY < <(compgen -P \"$list\" -W '%s' -- \"$item\") ;;\n", values[i]
		else if (kind == "values")
			printf "mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\") ;;\n", values[i]
		else
			printf "compopt +o default 2>/dev/null ;;\n"
	}
	printf "\t\t*) options='%s' ;;\n\t\tesac\n\t\t;;\n", flags_of(c)
}

function bash(    c, f, list) {
	f = "_" program
	gsub(/-/, "_", f)
	for (c = 1; c <= commands; c++)
		list = list (c > 1 ? " " : "") command[c]
	printf "# bash completion for %s, made from its tables of options\n\n", program
	printf "%s()\n{\n", f
	printf "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' options='' first='' list='' item i\n"
	printf "\tCOMPREPLY=()\n"
	# bash cuts words at =
	printf "\tif [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	printf "\titem=${cur##*,}\n\tlist=${cur%%\"$item\"}\n"
	printf "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n"
	if (program == "kymo-record")
		printf "\t\t--)\n\t\t\tif declare -F _command_offset >/dev/null; then _command_offset $((i + 1)); else mapfile -t COMPREPLY < <(compgen -c -- \"$cur\"); fi\n\t\t\treturn\n\t\t\t;;\n"
	gsub(/ /, " | ", list)
	printf "\t\t%s) [[ -n $command || $i -gt 1 ]] || command=${COMP_WORDS[i]} ;;\n", list
	printf "\t\thelp) [[ $i -gt 1 ]] || first=help ;;\n\t\tesac\n\tdone\n"
	gsub(/ \| /, " ", list)
	printf "\tif [[ $first == help ]]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n\t\treturn\n\tfi\n", list
	printf "\tif [[ $COMP_CWORD -eq 1 && $cur != -* ]]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W '%s %s' -- \"$cur\")\n\t\treturn\n\tfi\n", list, words
	printf "\tcase $command in\n"
	bash_values("")
	for (c = 1; c <= commands; c++)
		bash_values(command[c])
	printf "\tesac\n"
	printf "\t[[ -n $options && $cur == -* ]] && mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	if (program == "kymo-record")
		printf "\t[[ $command == config && $prev == config && $cur != -* ]] && mapfile -t COMPREPLY < <(compgen -W check -- \"$cur\")\n"
	printf "\treturn 0\n}\n"
	printf "complete -o default -o filenames -F %s %s\n", f, program
}

# -------- zsh --------

function zsh_text(text) {
	text = replace(text, "\\", "\\\\")
	text = replace(text, quote, quote "\\" quote quote)
	text = replace(text, "[", "\\[")
	text = replace(text, "]", "\\]")
	return replace(text, ":", "\\:")
}

function zsh_action(i,    kind) {
	kind = kind_of(i)
	if (kind == "files")
		return "_files"
	if (kind == "directories")
		return "_files -/"
	if (kind == "pids")
		return "_pids"
	if (kind == "list")
		return "_sequence compadd - " values[i]
	if (kind == "values")
		return "(" values[i] ")"
	return " "
}

function zsh_options(c, indent,    i, spec) {
	for (i = 1; i <= options; i++) {
		if (owner[i] != c)
			continue
		spec = "[" zsh_text(help[i]) "]" (argument[i] == "" ? "" : ":" zsh_text(argument[i]) ":" zsh_action(i))
		if (letter[i] == "")
			printf "%s'--%s%s%s' \\\n", indent, name[i], argument[i] == "" ? "" : "=", spec
		else
			printf "%s'(-%s --%s)'{-%s%s,--%s%s}'%s' \\\n", indent, letter[i], name[i], letter[i], argument[i] == "" ? "" : "+", name[i], argument[i] == "" ? "" : "=", spec
	}
}

function zsh(    c, f) {
	f = "_" program
	printf "#compdef %s\n# zsh completion for %s, made from its tables of options\n\n", program, program
	printf "local -a commands\nlocal curcontext=$curcontext state line\ncommands=(\n"
	for (c = 1; c <= commands; c++)
		printf "\t'%s:%s'\n", command[c], zsh_text(summary[c])
	printf "\t'help:show the options of a command'\n)\n\n"
	printf "if (( CURRENT > 2 )); then\n\tcase $words[2] in\n"
	for (c = 1; c <= commands; c++) {
		printf "\t%s)\n\t\tshift words\n\t\t(( CURRENT-- ))\n\t\t_arguments -s -S \\\n", command[c]
		zsh_options(command[c], "\t\t\t")
		if (command[c] == "config")
			printf "\t\t\t'1:what:(check)' '2:file:_files'\n"
		else
			printf "\t\t\t'*:file:_files'\n"
		printf "\t\treturn\n\t\t;;\n"
	}
	printf "\thelp)\n\t\t_describe command commands\n\t\treturn\n\t\t;;\n"
	printf "\tesac\nfi\n"
	if (program == "kymo-record") {
		printf "(( CURRENT == 2 )) && [[ $words[2] != -* ]] && _describe command commands && return\n"
		printf "_arguments -s -S \\\n"
		zsh_options("", "\t")
		printf "\t'*:::command:_normal'\n"
	} else {
		printf "_arguments '(- *)'{-h,--help}'[show the commands]' '(- *)--version[show the version]' '1:command:->command' '*:file:_files'\n"
		printf "[[ $state == command ]] && _describe command commands\n"
	}
}

# -------- fish --------

function fish_text(text) {
	text = replace(text, "\\", "\\\\")
	return quote replace(text, quote, "\\" quote) quote
}

function fish_option(c, condition,    i, kind, value) {
	for (i = 1; i <= options; i++) {
		if (owner[i] != c)
			continue
		kind = kind_of(i)
		value = ""
		if (argument[i] != "") {
			value = kind == "files" ? " -r -F" : " -x"
			if (kind == "directories")
				value = value " -a '(__fish_complete_directories)'"
			else if (kind == "pids")
				value = value " -a '(__fish_complete_pids)'"
			else if (kind == "list")
				value = value " -a '(__fish_append , " values[i] ")'"
			else if (kind == "values")
				value = value " -a " fish_text(values[i])
		}
		printf "complete -c %s -n %s%s -l %s%s -d %s\n", program, fish_text(condition), letter[i] == "" ? "" : " -s " letter[i], name[i], value, fish_text(help[i])
	}
}

function fish(    c, list) {
	for (c = 1; c <= commands; c++)
		list = list " " command[c]
	printf "# fish completion for %s, made from its tables of options\n\n", program
	for (c = 1; c <= commands; c++)
		printf "complete -c %s -n __fish_use_subcommand -a %s -d %s%s\n", program, command[c], fish_text(summary[c]), " -f"
	printf "complete -c %s -n __fish_use_subcommand -f -a help -d 'show the options of a command'\n", program
	printf "complete -c %s -n '__fish_seen_subcommand_from help' -f -a %s\n", program, fish_text(substr(list, 2))
	if (program == "kymo") {
		printf "complete -c %s -n __fish_use_subcommand -s h -l help -d 'show the commands'\n", program
		printf "complete -c %s -n __fish_use_subcommand -l version -d 'show the version'\n", program
	}
	fish_option("", "not __fish_seen_subcommand_from help" list)
	for (c = 1; c <= commands; c++)
		fish_option(command[c], "__fish_seen_subcommand_from " command[c])
	for (c = 1; c <= commands; c++)
		if (usage[c] ~ /^check /)
			printf "complete -c %s -n '__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from check' -f -a check\n", program, command[c]
}
