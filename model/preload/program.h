/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - an ELF program's file, as far as it says how to start it
 *
 * Nothing in the file is trusted: whatever these functions return lies within the file and within
 * the lower half of the address space.
 */
#ifndef MODEL_PRELOAD_PROGRAM_H
#define MODEL_PRELOAD_PROGRAM_H

#include <elf.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRAM_HEADERS 128 /* at most */
#define PROGRAM_SCRIPTS 5   /* one that is the interpreter of another, and so on */

/* A part of the file in memory. at and offset are the same distance from a page's start. */
struct program_segment {
    uint64_t at;          /* relative to the bias of a program that moves */
    uint64_t offset;      /* in the file */
    uint64_t file_size;   /* what comes from there */
    uint64_t memory_size; /* the rest is zeroes; not 0 */
    int prot;
};

struct program {
    bool moves;            /* it runs anywhere: position-independent */
    bool executable_stack; /* it asks for one */
    uint64_t entry;        /* inside a segment */
    uint64_t low, high;    /* all segments, in whole pages */
    uint64_t align;        /* that the bias needs: a power of two, a page or more */
    uint64_t headers;      /* where the program headers are in memory; 0: nowhere */
    unsigned header_count;
    uint64_t interpreter_at;   /* in the file: a path, with its end */
    uint64_t interpreter_size; /* 0: none */
    unsigned count;
    struct program_segment segments[PROGRAM_HEADERS]; /* ascending, apart */
};

/*
 * Check the headers of a file of file_size bytes: first the one, then, if it is in order, the table
 * of header->e_phnum program headers behind it. NULL: all is well, and *ret is set. Else what is
 * wrong, in words that go behind the file's name; *ret is as it was.
 */
const char *program_check(const Elf64_Ehdr *header);
const char *program_parse(const Elf64_Ehdr *header, const Elf64_Phdr *table, uint64_t file_size,
                          struct program *ret);

/* Both, of an open file. ret_interpreter: PATH_MAX bytes; empty if there is none. */
const char *program_read(int fd, struct program *ret, char *ret_interpreter);

/* A program with this interpreter is hosted: one without, or whose libc is not glibc. */
bool program_is_hosted(const char *interpreter);

/* The interpreter that a script's first line names, into ret_path: PATH_MAX bytes. False: no
 * script. ret_argument: what stands behind it, empty if nothing does. */
bool program_script(int fd, char *ret_path, char *ret_argument);

/* Does LD_PRELOAD not reach this file, by way of whatever scripts, but ap-run can host it? */
bool program_needs_host(const char *path);

/* Would ap-run start this file: a program for this machine, or a script, that runs with no more
 * rights than its caller? */
bool program_on_model(const char *path);

#endif
