# cmake -DINPUT=file.sql -DNAME=symbol -DOUTPUT=file.c -P embed_sql.cmake: a text file as a terminated C array.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n\t" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n\t${bytes} 0\n};\n")
