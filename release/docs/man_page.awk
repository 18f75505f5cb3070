# Fills a manual page in scdoc's form with what the tables of options say. Usage: awk -v version=V -f man_page.awk ROWS PAGE
# In a page:
#   @options [COMMAND]   the options, each with its line of help
#   @more NAME ... @end  paragraphs to add to option --NAME, before @options; an error if there is no such option
#   @commands            the commands with their summaries
#   @VERSION@            the version
BEGIN { FS = "\t" }

function fail(what) {
	print FILENAME ": " what >"/dev/stderr"
	failed = 1
	exit 1
}

function escape(text) {
	gsub(/[\\*_<#]/, "\\\\&", text)
	return text
}

# A line of help as a sentence.
function sentence(text) {
	if (text ~ /^[a-z][a-z ]/)
		text = toupper(substr(text, 1, 1)) substr(text, 2)
	return escape(text) (text ~ /[.?!]$/ ? "" : ".")
}

function value_list(text) {
	gsub(/ /, "*, *", text)
	return "Values: *" text "*."
}

# A value that may be left out is written [=NAME].
function shown_argument(text) {
	if (text ~ /^\[=/)
		return "[=_" substr(text, 3, length(text) - 3) "_]"
	return text == "" ? "" : " _" text "_"
}

function print_option(i) {
	printf "%s*--%s*%s\n", letter[i] == "" ? "" : "*-" letter[i] "*, ", name[i], shown_argument(argument[i])
	printf "\t%s\n", sentence(help[i])
	if (values[i] != "" && index(help[i], last_value(values[i])) == 0)
		printf "\n\t%s\n", value_list(values[i])
	if (more[name[i]] != "")
		printf "\n%s", more[name[i]]
	used[name[i]] = 1
	printf "\n"
}

# Where the help names the values already, to the last one, they are not listed again.
function last_value(text) {
	sub(/.* /, "", text)
	return text
}

function print_options(command,    i) {
	for (i = 1; i <= rows; i++) {
		if (owner[i] != command)
			continue
		if (kind[i] == "group")
			printf "## %s\n\n", help[i]
		else if (kind[i] == "option")
			print_option(i)
	}
	for (i in more)
		if (!used[i])
			fail("@more " i ": there is no such option")
}

FNR == NR {
	kind[++rows] = $1
	if ($1 == "command") {
		commands++
		command_name[commands] = $2
		command_usage[commands] = $3
		command_help[commands] = $4
		kind[rows] = ""
	} else if ($1 == "group") {
		owner[rows] = $2
		help[rows] = $3
	} else {
		owner[rows] = $2
		letter[rows] = $3
		name[rows] = $4
		argument[rows] = $5
		values[rows] = $6
		help[rows] = $7
	}
	next
}
/^@more / {
	about = substr($0, 7)
	next
}
/^@end$/ {
	about = ""
	next
}
about != "" {
	more[about] = more[about] ($0 == "" ? "" : "\t") $0 "\n"
	next
}
/^@options/ {
	command = substr($0, 10)
	print_options(command)
	next
}
/^@commands$/ {
	for (i = 1; i <= commands; i++)
		printf "*%s*%s\n\t%s\n\n", command_name[i], command_usage[i] == "" ? "" : " " escape(command_usage[i]), sentence(command_help[i])
	next
}
{
	gsub(/@VERSION@/, version)
	print
}
END {
	if (about != "" && !failed)
		fail("@more " about ": no @end")
}
