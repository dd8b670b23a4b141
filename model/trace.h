/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - one line per leaf, ioctl, exit, fault and mapping: for people, for programs, or both
 *
 * APERTURE_TRACE=1 writes readable lines to standard error, APERTURE_TRACE=FILE appends them to
 * FILE; APERTURE_TRACE_JSON=1 and =FILE do the same with one JSON object a line. Off, an event
 * costs one predictable branch. Each line is one write(2) of at most TRACE_LINE bytes, so that
 * lines of several threads and processes do not mix. A readable line:
 *
 *     sgx2 [4711] ENCLU  EACCEPT      +0x41000 want REG rw- PENDING -> ok
 *
 * thread, instruction class or kernel entry, name, page as offset in ELRANGE, details, result. The
 * fields of the JSON objects are in docs/instrument.md.
 *
 * An event is a kind, a name and a list of fields. Each field knows how it looks in both forms:
 *
 *     TRACE_EVENT(e, TRACE_ENCLS, "EAUG", trace_offset(offset), trace_flags(secinfo_flags),
 *                 trace_leaf_result(outcome));
 */
#ifndef MODEL_TRACE_H
#define MODEL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/cpu.h"

/* PIPE_BUF: what even a pipe takes whole. */
#define TRACE_LINE 4096

/* Of the JSON trace: rises when a field changes its meaning, not when one is added. */
#define TRACE_JSON_FORMAT 1

extern bool trace_enabled;

enum trace_kind {
    TRACE_ENCLS,
    TRACE_ENCLU,
    TRACE_EXIT,      /* asynchronous ones: every AEX, and nothing else */
    TRACE_FAULT,     /* a page fault that the kernel looks at: of any origin */
    TRACE_EXCEPTION, /* reported to the host */
    TRACE_IOCTL,
    TRACE_MMAP,
    TRACE_MPROTECT,
    TRACE_MUNMAP,
    TRACE_OPEN,
    TRACE_CLOSE,
    TRACE_ATTACH,
    TRACE_COUNT,
    TRACE_PROCESS,
    TRACE_NOTE, /* of trace_write() */
};

enum trace_form {
    TRACE_NOTHING, /* a list begins with it, so that it is never empty */
    TRACE_DECIMAL, /* number */
    TRACE_HEX,     /* number; in text with 0x */
    TRACE_SIGNED,
    TRACE_STRING,
    TRACE_FLAG,    /* in text, its text, if number is not 0 */
    TRACE_SECINFO, /* SECINFO.FLAGS */
    TRACE_PROT,    /* PROT_* */
    TRACE_PFEC,    /* what an error code of a page fault says */
    TRACE_OUTCOME, /* of a leaf */
    TRACE_ERRNO,   /* of a system call: 0 or more, or a negative errno */
};

struct trace_field {
    const char *key; /* in JSON; NULL: not there */
    enum trace_form form;
    const char *text; /* in text: what to write, % for the value; NULL: not there */
    union {
        uint64_t number;
        int64_t sign;
        const char *string;
        struct outcome outcome;
    };
};

#define TRACE_FIELD_(key_, form_, text_, member_, value_)                                          \
    ((struct trace_field){.key = (key_), .form = (form_), .text = (text_), .member_ = (value_)})

/* In JSON and in text; text_ NULL keeps it out of the text. */
#define trace_number(key_, text_, n) TRACE_FIELD_(key_, TRACE_DECIMAL, text_, number, (uint64_t)(n))
#define trace_hex(key_, text_, n)    TRACE_FIELD_(key_, TRACE_HEX, text_, number, (uint64_t)(n))
#define trace_signed(key_, text_, n) TRACE_FIELD_(key_, TRACE_SIGNED, text_, sign, (int64_t)(n))
#define trace_string(key_, text_, s) TRACE_FIELD_(key_, TRACE_STRING, text_, string, s)
#define trace_flag(key_, text_, n)   TRACE_FIELD_(key_, TRACE_FLAG, text_, number, (uint64_t)(n))

/* Bytes from the enclave's base; the same, of a TCS; pages. */
#define trace_offset(n) trace_hex("offset", "+%", n)
#define trace_tcs(n)    trace_hex("tcs", "tcs +%", n)
#define trace_pages(n)  trace_number("count", "% pages", n)

/* SECINFO.FLAGS of the page, with a word before it in the text: "want %". */
#define trace_flags(flags)           trace_flags_as("%", flags)
#define trace_flags_as(text_, flags) TRACE_FIELD_("secinfo", TRACE_SECINFO, text_, number, flags)

#define trace_prot(prot)       TRACE_FIELD_("prot", TRACE_PROT, "prot %", number, (uint64_t)(prot))
#define trace_access(pfec)     TRACE_FIELD_("access", TRACE_PFEC, "%", number, pfec)
#define trace_leaf_result(o)   TRACE_FIELD_("result", TRACE_OUTCOME, "-> %", outcome, o)
#define trace_system_result(r) TRACE_FIELD_("result", TRACE_ERRNO, "-> %", sign, (int64_t)(r))

enum trace_reader {
    TRACE_FOR_ALL,
    TRACE_FOR_PROGRAMS, /* the readable trace says it elsewhere */
    TRACE_FOR_PEOPLE,
};

struct trace_event {
    enum trace_kind kind;
    const char *name;  /* may be NULL */
    uint64_t enclave;  /* its inode; 0 if none is meant */
    const char *label; /* in text, instead of the kind; NULL: the kind */
    enum trace_reader reader;
    const struct trace_field *fields;
    size_t count;
};

void trace_emit(const struct trace_event *event);

#define TRACE_EMIT_(inode_, kind_, name_, reader_, ...)                                            \
    do {                                                                                           \
        if (__builtin_expect(trace_enabled, 0)) {                                                  \
            const struct trace_field fields_[] = {{.form = TRACE_NOTHING}, ##__VA_ARGS__};         \
            const struct trace_event event_ = {                                                    \
                .kind = (kind_),                                                                   \
                .name = (name_),                                                                   \
                .enclave = (inode_),                                                               \
                .reader = (reader_),                                                               \
                .fields = fields_,                                                                 \
                .count = sizeof fields_ / sizeof *fields_,                                         \
            };                                                                                     \
                                                                                                   \
            trace_emit(&event_);                                                                   \
        }                                                                                          \
    } while (0)

/*
 * No cost, not even that of the arguments, while tracing is off. e: struct enclave *, not NULL.
 * TRACE_DATA() is for what the readable trace has in another line already.
 */
#define TRACE_EVENT(e, kind, name, ...)                                                            \
    TRACE_EMIT_((e)->inode, kind, name, TRACE_FOR_ALL, ##__VA_ARGS__)
#define TRACE_DATA(e, kind, name, ...)                                                             \
    TRACE_EMIT_((e)->inode, kind, name, TRACE_FOR_PROGRAMS, ##__VA_ARGS__)

/*
 * A line that is text only: kind in six columns, and the rest as it comes. In JSON it is a "note"
 * that holds the text: for remarks, which nobody counts.
 */
void trace_write(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define TRACE(...)                                                                                 \
    do {                                                                                           \
        if (__builtin_expect(trace_enabled, 0))                                                    \
            trace_write(__VA_ARGS__);                                                              \
    } while (0)

/* Text for a trace line; buf lives as long as the expression statement that uses it. */
struct trace_text {
    char buf[96];
};

struct trace_text trace_outcome(struct outcome outcome);
struct trace_text trace_secinfo(uint64_t flags);
struct trace_text trace_pfec(uint32_t pfec);
const char *trace_enclu(uint32_t leaf);
const char *trace_encls(uint32_t leaf);
const char *trace_code(uint32_t code);

#endif
