# SPDX-License-Identifier: Apache-2.0
# extract.awk -v name=NAME -v out=FOLDER PAGE - the files of the program NAME that a page shows
#
# A file is a fenced block whose info string is a language and NAME/FILE.
/^```[a-z]* / && !file {
    split($2, part, "/")
    if (part[1] == name && part[2] != "")
        file = out "/" part[2]
    if (file)
        printf "" >file
    next
}
/^```$/ && file {
    close(file)
    file = ""
    next
}
file { print >file }
