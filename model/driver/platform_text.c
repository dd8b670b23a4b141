/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "driver/platform.h"

static const struct field {
    const char *name;
    size_t at, size;
    bool optional;
} fields[] = {
    {"FUSES", offsetof(struct platform, secret), 16, false},
    {"OWNEREPOCH", offsetof(struct platform, owner_epoch), 16, false},
    {"CPUSVN", offsetof(struct platform, cpu_svn), 16, false},
    {"REPORT_KEYID", offsetof(struct platform, report_key_id), 32, true},
};

#define FIELDS       (sizeof fields / sizeof fields[0])
#define REPORT_KEYID 3

/* A stretch of the text. */
struct span {
    const char *at;
    size_t size;
};

struct parse {
    struct platform platform;
    bool seen[FIELDS];
    struct platform_error error;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct parse *p, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(p->error.text, sizeof p->error.text, format, args);
    va_end(args);
    return false;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool platform_hex(const char *text, size_t length, uint8_t *ret_bytes, size_t size)
{
    if (length != 2 * size)
        return false;
    for (size_t i = 0; i < length; i++)
        if (digit(text[i]) < 0)
            return false;
    for (size_t i = 0; i < size; i++)
        ret_bytes[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span s)
{
    while (s.size && is_blank(s.at[0])) {
        s.at++;
        s.size--;
    }
    while (s.size && is_blank(s.at[s.size - 1]))
        s.size--;
    return s;
}

/* Up to the first c, which goes; all of it if there is none. */
static struct span cut(struct span *rest, char c)
{
    const char *end = rest->size ? memchr(rest->at, c, rest->size) : NULL;
    struct span first = *rest;

    if (!end) {
        *rest = (struct span){.at = rest->at + rest->size};
        return first;
    }
    first.size = (size_t)(end - rest->at);
    rest->at = end + 1;
    rest->size -= first.size + 1;
    return first;
}

static bool take_value(struct parse *p, size_t i, struct span value)
{
    const struct field *field = &fields[i];

    if (p->seen[i])
        return refuse(p, "%s stands there twice", field->name);
    if (!platform_hex(value.at, value.size, (uint8_t *)&p->platform + field->at, field->size))
        return refuse(p, "%s: expected %zu hexadecimal digits, and found %s%zu characters",
                      field->name, 2 * field->size,
                      value.size == 2 * field->size ? "something else among " : "", value.size);
    p->seen[i] = true;
    return true;
}

/* A name as a message may show it. */
static const char *shown(struct span name, char *to, size_t room)
{
    size_t size = name.size < room - 1 ? name.size : room - 1;

    for (size_t i = 0; i < size; i++)
        to[i] = name.at[i] < ' ' || name.at[i] > '~' ? '?' : name.at[i];
    to[size] = '\0';
    return to;
}

static bool take_line(struct parse *p, struct span line)
{
    struct span name, value;
    char quoted[24];

    line = trim(line);
    if (!line.size || line.at[0] == '#')
        return true;
    if (!memchr(line.at, '=', line.size))
        return refuse(p, "expected NAME = DIGITS");
    value = line;
    name = trim(cut(&value, '='));
    value = trim(value);
    for (size_t i = 0; i < FIELDS; i++)
        if (strlen(fields[i].name) == name.size && memcmp(fields[i].name, name.at, name.size) == 0)
            return take_value(p, i, value);
    return refuse(p, "there is no '%s': expected FUSES, OWNEREPOCH, CPUSVN or REPORT_KEYID",
                  shown(name, quoted, sizeof quoted));
}

static bool take_all(struct parse *p, struct span text)
{
    while (text.size) {
        p->error.line++;
        if (!take_line(p, cut(&text, '\n')))
            return false;
    }
    p->error.line = 0;
    for (size_t i = 0; i < FIELDS; i++)
        if (!p->seen[i] && !fields[i].optional)
            return refuse(p, "%s is missing", fields[i].name);
    return true;
}

bool platform_parse(const char *text, size_t size, struct platform *ret_platform,
                    bool *ret_has_key_id, struct platform_error *ret_error)
{
    struct parse p = {.error = {.line = 0}};

    if (!take_all(&p, (struct span){text, size})) {
        *ret_error = p.error;
        return false;
    }
    *ret_platform = p.platform;
    *ret_has_key_id = p.seen[REPORT_KEYID];
    return true;
}

void platform_write(const struct platform *platform, char ret_text[static PLATFORM_TEXT_MAX])
{
    size_t at = (size_t)snprintf(ret_text, PLATFORM_TEXT_MAX,
                                 "# A machine for the software SGX2: APERTURE_PLATFORM names this "
                                 "file.\n"
                                 "# Keys depend on every byte of it. Without the file, what was "
                                 "sealed under it is lost.\n");

    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].optional)
            continue;
        at += (size_t)sprintf(ret_text + at, "%s = ", fields[i].name);
        for (size_t j = 0; j < fields[i].size; j++)
            at += (size_t)sprintf(ret_text + at, "%02x",
                                  ((const uint8_t *)platform + fields[i].at)[j]);
        at += (size_t)sprintf(ret_text + at, "\n");
    }
}
