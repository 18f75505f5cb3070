# Reads the tables of options as the C preprocessor leaves them (recorder/man/option_rows.c, analyzer/man/option_rows.c) and writes one
# line for each command, group and option, with tabs between:
#   command  NAME     ARGUMENTS  SUMMARY
#   group    COMMAND  TITLE
#   option   COMMAND  LETTER  LONG  ARGUMENT  VALUES  HELP
# COMMAND is empty for the options of the program itself. Options that several commands share are written for each of them.
{ text = text " " $0 }

# The next token of text: a string literal without its quotes, or a word. kind tells which.
function next_token(    at, token) {
	sub(/^[ \t]+/, "", text)
	if (text == "") {
		kind = "end"
		return ""
	}
	if (substr(text, 1, 1) == "\"") {
		for (at = 2; substr(text, at, 1) != "\""; at++)
			if (substr(text, at, 1) == "\\")
				at++
		token = substr(text, 2, at - 2)
		text = substr(text, at + 1)
		gsub(/\\n/, " ", token)
		gsub(/\\"/, "\"", token)
		kind = "string"
		return token
	}
	kind = "word"
	if (match(text, /^'.'/) || match(text, /^[A-Za-z_0-9]+/) || match(text, /^./)) {
		token = substr(text, 1, RLENGTH)
		text = substr(text, RLENGTH + 1)
	}
	return token
}

# The fields of one row: strings side by side are one; NULL and 0 are nothing; other words stay as they are.
function read_row(    token, strings) {
	fields = 1
	delete field
	field[1] = ""
	while (1) {
		token = next_token()
		if (kind == "end" || (kind == "word" && token == "END"))
			return
		if (kind == "word" && token == ";") {
			field[++fields] = ""
			continue
		}
		if (kind == "word" && (token == "NULL" || token == "0"))
			continue
		if (kind == "word" && token ~ /^'.'$/)
			token = substr(token, 2, 1)
		field[fields] = field[fields] token
	}
}

function print_option(command, from) {
	printf "option\t%s\t%s\t%s\t%s\t%s\t%s\n", command, letters[from], longs[from], arguments[from], values[from], helps[from]
}

function keep_option() {
	letters[++count] = field[3]
	longs[count] = field[4]
	arguments[count] = field[5]
	values[count] = field[6]
	helps[count] = field[7]
	owner[count] = field[2]
	kinds[count] = field[1]
}

END {
	while (1) {
		token = next_token()
		if (kind == "end")
			break
		if (kind != "word" || token != "ROW")
			continue
		read_row()
		if (field[1] == "command") {
			names[++commands] = field[2]
			usages[commands] = field[3]
			groups[commands] = "|" field[4] "|HELP|"
			summaries[commands] = field[5]
		} else if (field[1] == "class") {
			if (field[3] == "DEFAULT" || field[3] == "ASKED")
				classes = classes (classes == "" ? "" : " ") field[2]
		} else {
			keep_option()
			if (field[1] == "group")
				helps[count] = field[2]
		}
	}
	for (i = 1; i <= count; i++)
		if (values[i] == "@classes")
			values[i] = classes
	for (i = 1; i <= count; i++) { # of the program itself, in the order of its table
		if (kinds[i] == "group")
			printf "group\t\t%s\n", helps[i]
		else if (kinds[i] == "option" && owner[i] == "")
			print_option("", i)
	}
	for (c = 1; c <= commands; c++) {
		printf "command\t%s\t%s\t%s\n", names[c], usages[c], summaries[c]
		for (i = 1; i <= count; i++)
			if (kinds[i] == "option" && owner[i] == names[c])
				print_option(names[c], i)
		for (i = 1; i <= count; i++)
			if (kinds[i] == "common" && index(groups[c], "|" owner[i] "|"))
				print_option(names[c], i)
	}
}
