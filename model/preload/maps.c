/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of /proc/self/maps and smaps, with the device's mappings as Linux shows them.
 *
 * A record of the text is a line, in smaps with lines of figures behind it. The model has divided
 * a mapping of the device into as many as the EPCM's permissions need, and reserves addresses
 * outside of ELRANGE by anonymous memory: all of that is cut out.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "preload/preload.h"
#include "preload/proc.h"

#define NAME_COLUMN 73 /* where names of mappings begin */
#define PAGE_KIB    (SGX_PAGE_SIZE / 1024)

void proc_flush(struct proc_out *out)
{
    for (size_t done = 0; done < out->used && !out->error;) {
        const long r = syscall(SYS_write, out->fd, out->buffer + done, out->used - done);

        if (r < 0)
            out->error = -errno;
        else
            done += (size_t)r;
    }
    out->used = 0;
}

void proc_write(struct proc_out *out, const char *text, size_t size)
{
    while (size) {
        const size_t room = sizeof out->buffer - out->used, piece = size < room ? size : room;

        memcpy(out->buffer + out->used, text, piece);
        out->used += piece;
        text += piece;
        size -= piece;
        if (out->used == sizeof out->buffer)
            proc_flush(out);
    }
}

static void put(struct proc_out *out, const char *text)
{
    proc_write(out, text, strlen(text));
}

/* ------------------------------------------------------------------ one line */

struct line {
    uint64_t start, end, offset, inode;
    char prot[5];
    unsigned major, minor;
    const char *name;
    size_t name_size; /* 0: none */
};

static void put_line(struct proc_out *out, const struct line *l)
{
    char text[128];
    int size = snprintf(text, sizeof text,
                        "%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %02x:%02x %" PRIu64 " ",
                        l->start, l->end, l->prot, l->offset, l->major, l->minor, l->inode);

    while (l->name_size && size < NAME_COLUMN)
        text[size++] = ' ';
    proc_write(out, text, (size_t)size);
    proc_write(out, l->name, l->name_size);
    put(out, "\n");
}

/* A line of the kernel's. False: this is not what it should look like. */
static bool read_line(const char *text, struct line *ret_line)
{
    int at = 0;

    if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 "%n",
               &ret_line->start, &ret_line->end, ret_line->prot, &ret_line->offset,
               &ret_line->major, &ret_line->minor, &ret_line->inode, &at) < 7)
        return false;
    ret_line->name = text + at + strspn(text + at, " ");
    ret_line->name_size = strcspn(ret_line->name, "\n");
    return true;
}

static const char *next_line(const char *text)
{
    text += strcspn(text, "\n");
    return *text ? text + 1 : text;
}

/* Figures begin with a capital letter, records with an address. */
static bool is_figure(const char *text)
{
    return isupper((unsigned char)*text);
}

static bool is_figure_of(const char *text, const char *name)
{
    const size_t size = strlen(name);

    return strncmp(text, name, size) == 0 && text[size] == ':';
}

/* The line of a figure, with another number that ends where the old one did. */
static void put_figure(struct proc_out *out, const char *text, uint64_t value)
{
    const size_t start = strcspn(text, "0123456789\n"), digits = strspn(text + start, "0123456789");
    const size_t name = strcspn(text, ":\n") + 1;
    const char *const rest = text + start + digits;
    char line[64];

    snprintf(line, sizeof line, "%.*s%*" PRIu64, (int)name, text, (int)(start + digits - name),
             value);
    put(out, line);
    proc_write(out, rest, strcspn(rest, "\n"));
    put(out, "\n");
}

/* ------------------------------------------------------------------ a mapping of the device */

static void put_flags(struct proc_out *out, const struct vma *v)
{
    const bool shared = v->may & PROT_WRITE; /* VM_SHARED: by a descriptor open for writing */

    put(out, "VmFlags: ");
    put(out, v->prot & PROT_READ ? "rd " : "");
    put(out, v->prot & PROT_WRITE ? "wr " : "");
    put(out, v->prot & PROT_EXEC ? "ex " : "");
    put(out, shared ? "sh mr mw " : "mr ");
    put(out, v->may & PROT_EXEC ? "me " : "");
    put(out, "ms pf io ");
    put(out, v->dontcopy ? "dc " : "");
    put(out, "de dd \n");
}

/*
 * The kernel's figures know of no page that has no struct page: all are zero. Which there are
 * depends on the kernel, so take those of a mapping that it has shown.
 */
static void put_figures(struct proc_out *out, const struct vma *v, const char *like)
{
    for (; is_figure(like); like = next_line(like)) {
        if (is_figure_of(like, "VmFlags"))
            put_flags(out, v);
        else if (is_figure_of(like, "Size"))
            put_figure(out, like, (v->end - v->start) / 1024);
        else if (is_figure_of(like, "KernelPageSize") || is_figure_of(like, "MMUPageSize"))
            put_figure(out, like, PAGE_KIB);
        else
            put_figure(out, like, 0);
    }
}

static void put_vma(struct proc_out *out, const struct vma *v, const char *like)
{
    struct line l = {.start = v->start, .end = v->end, .offset = v->offset, .name = DEVICE_PATH};
    struct stat st;

    stat_node(DEVICE_PATH, &st);
    l.inode = st.st_ino;
    l.major = major(st.st_dev);
    l.minor = minor(st.st_dev);
    l.name_size = sizeof DEVICE_PATH - 1;
    snprintf(l.prot, sizeof l.prot, "%c%c%cs", v->prot & PROT_READ ? 'r' : '-',
             v->prot & PROT_WRITE ? 'w' : '-', v->prot & PROT_EXEC ? 'x' : '-');
    put_line(out, &l);
    put_figures(out, v, like);
}

/* ------------------------------------------------------------------ a mapping of the kernel's */

struct shown {
    struct line line;
    const char *figures;
};

static void put_name(struct line *l, const char *name)
{
    l->name = name;
    l->name_size = strlen(name);
}

/* The part [start, end) of a record. The vDSO is the one that the program has been told of. */
static void put_part(struct proc_out *out, const struct shown *r, uint64_t start, uint64_t end)
{
    struct line l = r->line;
    const bool whole = start == l.start && end == l.end;

    if (l.inode)
        l.offset += start - l.start;
    l.start = start;
    l.end = end;
    if (r->line.start == getauxval(AT_SYSINFO_EHDR))
        put_name(&l, "[vdso]");
    else if (l.name_size == 6 && strncmp(l.name, "[vdso]", 6) == 0)
        put_name(&l, "");
    put_line(out, &l);
    for (const char *f = r->figures; is_figure(f); f = next_line(f))
        if (!whole && is_figure_of(f, "Size"))
            put_figure(out, f, (end - start) / 1024);
        else
            proc_write(out, f, (size_t)(next_line(f) - f));
}

void proc_write_maps(struct proc_out *out, const char *text, const struct vma *vmas, size_t count)
{
    const struct vma *v = vmas, *const last = vmas + count;
    const char *const like = next_line(text);
    bool shown = false; /* v, which goes on in the next record */
    struct shown r;

    for (; *text && read_line(text, &r.line);) {
        uint64_t at = r.line.start;

        r.figures = text = next_line(text);
        while (is_figure(text))
            text = next_line(text);
        while (v < last && v->start < r.line.end) {
            if (at < v->start)
                put_part(out, &r, at, v->start);
            if (!shown)
                put_vma(out, v, like);
            at = at < v->end ? v->end : at;
            shown = v->end > r.line.end;
            if (shown)
                break;
            v++;
        }
        if (at < r.line.end)
            put_part(out, &r, at, r.line.end);
    }
    if (shown)
        v++;
    for (; v < last; v++)
        put_vma(out, v, like);
}
