/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/rules.h"

/* At most one byte more than a text may have. The size, or a negative errno. */
static ssize_t read_file(const char *path, char *text)
{
    size_t size = 0;
    ssize_t piece = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    while (size <= RULES_TEXT && piece > 0) {
        piece = read(fd, text + size, RULES_TEXT + 1 - size);
        if (piece > 0)
            size += (size_t)piece;
        else if (piece < 0)
            piece = errno == EINTR ? 1 : -errno;
    }
    close(fd);
    return piece < 0 ? piece : (ssize_t)size;
}

static bool parse_file(const char *path, char *text, struct rules *ret)
{
    struct rules_error error;
    const ssize_t size = read_file(path, text);

    if (size < 0) {
        fprintf(stderr, "aperture: rules of a hostile host: %s: %s\n", path, strerror((int)-size));
        return false;
    }
    if (rules_parse(text, (size_t)size, ret, &error) < 0) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, error.line, error.column, error.text);
        return false;
    }
    return true;
}

bool rules_load(const char *path, struct rules *ret)
{
    char *text = malloc(RULES_TEXT + 1);
    bool ok = text && parse_file(path, text, ret);

    free(text);
    return ok;
}
