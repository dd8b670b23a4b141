/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - the configuration's grammar, on top of expat; see config.h */
#include "config.h"

#include <errno.h>
#include <expat.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_value.h"

/* Where in the grammar: the element that is open. */
enum place { OUTSIDE, ROOT, ELEMENT, APERTURE, REGION };

struct position {
    unsigned long line, column; /* line 0: not seen */
};

struct parser {
    XML_Parser xml;
    enum place place;
    bool refused;
    struct config config;
    struct config_error *error;

    const struct config_element *element; /* that is open */
    struct position at;                   /* its start */
    char text[64];                        /* its content so far, terminated */
    struct position element_seen[CONFIG_ELEMENTS];
    struct position aperture_seen;
};

static struct position here(const struct parser *p)
{
    return (struct position){XML_GetCurrentLineNumber(p->xml),
                             XML_GetCurrentColumnNumber(p->xml) + 1};
}

/* The first refusal counts; expat may still deliver an event or two after it. */
__attribute__((format(printf, 3, 4))) static void refuse(struct parser *p, struct position at,
                                                         const char *format, ...)
{
    struct failure f;
    va_list arguments;

    if (p->refused)
        return;
    p->refused = true;
    va_start(arguments, format);
    vsnprintf(f.text, sizeof f.text, format, arguments);
    va_end(arguments);
    *p->error = (struct config_error){.line = at.line, .column = at.column};
    memcpy(p->error->text, f.text, sizeof p->error->text);
    XML_StopParser(p->xml, XML_FALSE);
}

/* True the first time. */
static bool first_time(struct parser *p, const char *name, struct position *seen)
{
    if (seen->line) {
        refuse(p, here(p), "<%s> is given twice; the first is on line %lu", name, seen->line);
        return false;
    }
    *seen = here(p);
    return true;
}

static void open_region(struct parser *p, const char *const *attributes)
{
    struct config *c = &p->config;
    struct config_region *r = &c->region[c->region_count];
    struct failure f;

    if (c->region_count == CONFIG_REGION_MAX) {
        refuse(p, here(p), "more than %u regions", CONFIG_REGION_MAX);
        return;
    }
    if (region_parse(attributes, r, &f) < 0) {
        refuse(p, here(p), "%s", f.text);
        return;
    }
    r->line = here(p).line;
    r->column = here(p).column;
    for (size_t i = 0; i < c->region_count; i++) {
        if (strcmp(c->region[i].name, r->name) == 0)
            refuse(p, here(p), "a region '%s' is already on line %lu", r->name, c->region[i].line);
    }
    c->region_count++;
    p->place = REGION;
}

static void open_in_root(struct parser *p, const char *name)
{
    if (strcmp(name, "Aperture") == 0) {
        if (first_time(p, name, &p->aperture_seen))
            p->place = APERTURE;
        return;
    }
    for (size_t i = 0; i < CONFIG_ELEMENTS; i++) {
        if (strcmp(name, config_elements[i].name) != 0)
            continue;
        if (!first_time(p, name, &p->element_seen[i]))
            return;
        p->element = &config_elements[i];
        p->at = here(p);
        p->text[0] = '\0';
        p->place = ELEMENT;
        return;
    }
    refuse(p, here(p), "unknown element <%.40s>; ap-sign(1) lists those there are", name);
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct parser *p = arg;

    if (p->refused)
        return;
    if (p->place == APERTURE && strcmp(name, "Region") == 0) {
        open_region(p, (const char *const *)attributes);
    } else if (p->place == APERTURE) {
        refuse(p, here(p), "<Aperture> holds <Region> elements only, not <%.40s>", name);
    } else if (p->place == ELEMENT || p->place == REGION) {
        refuse(p, here(p), "<%.40s> stands inside an element that holds no others", name);
    } else if (p->place == OUTSIDE && strcmp(name, "EnclaveConfiguration") != 0) {
        refuse(p, here(p), "the root element is <%.40s>; expected <EnclaveConfiguration>", name);
    } else if (attributes[0]) {
        refuse(p, here(p), "<%.40s> takes no attributes", name);
    } else if (p->place == OUTSIDE) {
        p->place = ROOT;
    } else {
        open_in_root(p, name);
    }
}

static void close_element(struct parser *p)
{
    char *text = p->text + strspn(p->text, " \t\r\n");
    size_t length = strlen(text);
    uint64_t value;
    struct failure f;

    while (length && strchr(" \t\r\n", text[length - 1]))
        text[--length] = '\0';
    if (element_parse(p->element, text, &value, &f) < 0)
        refuse(p, p->at, "%s", f.text);
    else
        memcpy((char *)&p->config + p->element->offset, &value, sizeof value);
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
    struct parser *p = arg;

    (void)name; /* expat has matched it */
    if (p->refused)
        return;
    if (p->place == ELEMENT)
        close_element(p);
    p->place = p->place == REGION ? APERTURE : p->place == ROOT ? OUTSIDE : ROOT;
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int length)
{
    struct parser *p = arg;
    size_t used = strlen(p->text);

    if (p->refused)
        return;
    if (p->place == ELEMENT) {
        if (used + (size_t)length >= sizeof p->text) {
            refuse(p, p->at, "the content of <%s> is too long for a number", p->element->name);
            return;
        }
        memcpy(p->text + used, text, (size_t)length);
        p->text[used + (size_t)length] = '\0';
        return;
    }
    for (int i = 0; i < length; i++) {
        if (!strchr(" \t\r\n", text[i])) {
            refuse(p, here(p), "text where only elements belong");
            return;
        }
    }
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    struct parser *p = arg;

    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    refuse(p, here(p), "a document type is not allowed here: it could define entities");
}

static void XMLCALL on_instruction(void *arg, const XML_Char *target, const XML_Char *data)
{
    struct parser *p = arg;

    (void)data;
    refuse(p, here(p), "the processing instruction <?%.40s?> means nothing here", target);
}

static void XMLCALL on_declaration(void *arg, const XML_Char *version, const XML_Char *encoding,
                                   int standalone)
{
    struct parser *p = arg;

    (void)version;
    (void)standalone;
    if (encoding && strcasecmp(encoding, "UTF-8") != 0)
        refuse(p, here(p), "the encoding is '%.40s'; expected UTF-8", encoding);
}

static struct config defaults(void)
{
    return (struct config){
        .stack_size = 0x40000,
        .heap_init = 0x10000,
        .tcs_num = 1,
        .misc_select = SGX_MISC_EXINFO,
        .misc_mask = UINT32_MAX,
        .xfrm = SGX_XFRM_LEGACY,
    };
}

static struct position seen(const struct parser *p, const char *name)
{
    for (size_t i = 0; i < CONFIG_ELEMENTS; i++) {
        if (strcmp(name, config_elements[i].name) == 0)
            return p->element_seen[i];
    }
    return (struct position){0};
}

/* What concerns more than one element, once all are known. */
static void settle(struct parser *p)
{
    struct config *c = &p->config;

    if (c->heap_max == 0)
        c->heap_max = c->heap_init;
    if (!seen(p, "HeapInitSize").line && c->heap_init > c->heap_max)
        c->heap_init = c->heap_max;
    if (c->heap_init > c->heap_max)
        refuse(p, seen(p, "HeapInitSize"),
               "HeapInitSize is 0x%" PRIx64 ", more than HeapMaxSize 0x%" PRIx64, c->heap_init,
               c->heap_max);
}

static void parse(struct parser *p, const char *bytes, size_t size)
{
    XML_SetUserData(p->xml, p);
    XML_SetElementHandler(p->xml, on_start, on_end);
    XML_SetCharacterDataHandler(p->xml, on_text);
    XML_SetStartDoctypeDeclHandler(p->xml, on_doctype);
    XML_SetProcessingInstructionHandler(p->xml, on_instruction);
    XML_SetXmlDeclHandler(p->xml, on_declaration);
    if (XML_Parse(p->xml, bytes, (int)size, XML_TRUE) != XML_STATUS_OK)
        refuse(p, here(p), "%s", XML_ErrorString(XML_GetErrorCode(p->xml)));
    if (!p->refused)
        settle(p);
}

/* expat knows UTF-16 by its first bytes, and then overrides the encoding it was given. */
static bool is_utf16(const char *bytes, size_t size)
{
    return (size && memchr(bytes, '\0', size)) ||
           (size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0));
}

int config_parse(const char *bytes, size_t size, struct config *ret_config,
                 struct config_error *error)
{
    struct parser *p;
    int r = -1;

    *error = (struct config_error){0};
    if (size > CONFIG_SIZE_MAX) {
        snprintf(error->text, sizeof error->text, "is larger than %u bytes", CONFIG_SIZE_MAX);
        return -1;
    }
    if (is_utf16(bytes, size)) {
        *error = (struct config_error){1, 1, "this is not UTF-8"};
        return -1;
    }
    p = calloc(1, sizeof *p);
    /* Fixed here, the encoding cannot be changed by the document. */
    if (p && (p->xml = XML_ParserCreate("UTF-8"))) {
        p->error = error;
        p->config = defaults();
        parse(p, bytes, size);
        XML_ParserFree(p->xml);
        if (!p->refused) {
            *ret_config = p->config;
            r = 0;
        }
    } else {
        snprintf(error->text, sizeof error->text, "there is no memory to read it");
    }
    free(p);
    return r;
}

static int read_some(int fd, char *buffer, size_t room, size_t *ret_size)
{
    size_t size = 0;

    while (size < room) {
        ssize_t n = read(fd, buffer + size, room - size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        size += (size_t)n;
    }
    *ret_size = size;
    return 0;
}

int config_read(const char *path, struct config *ret_config, struct config_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *buffer = malloc(CONFIG_SIZE_MAX + 1);
    size_t size;
    int r = -1;

    *error = (struct config_error){0};
    /* One byte more than allowed tells a file that is too large from one that just fits. */
    if (fd < 0 || !buffer || read_some(fd, buffer, CONFIG_SIZE_MAX + 1, &size) < 0)
        snprintf(error->text, sizeof error->text, "cannot be read: %s", strerror(errno));
    else
        r = config_parse(buffer, size, ret_config, error);
    free(buffer);
    if (fd >= 0)
        close(fd);
    return r;
}
