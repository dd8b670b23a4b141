/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - an enclave file in memory; see plan.h */
#include "image/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/elf.h"
#include "image/error.h"
#include "image/layout_check.h"

static void remember_name(struct image *image, const char *name)
{
    size_t length = strlen(name);
    size_t room = sizeof image->name - 1;

    memcpy(image->name, length > room ? name + (length - room) : name,
           (length > room ? room : length) + 1);
}

static bool all_zero(const void *bytes, size_t size)
{
    const uint8_t *b = bytes;

    return size == 0 || (b[0] == 0 && memcmp(b, b + 1, size - 1) == 0);
}

static int check_signature_section(const struct image *image, struct image_error *error)
{
    static const uint8_t header[16] = SGX_SIG_HEADER;
    const uint8_t *rest = image->bytes + image->signature_file_offset + sizeof image->sigstruct;

    if (!all_zero(rest, SGX_PAGE_SIZE - sizeof image->sigstruct))
        return image_refuse(error, image->name, "section %s holds more than a SIGSTRUCT",
                            AP_SIGNATURE_SECTION);
    if (all_zero(&image->sigstruct, sizeof image->sigstruct))
        return 0;
    if (memcmp(image->sigstruct.header, header, sizeof header) != 0)
        return image_refuse(error, image->name, "section %s does not hold a SIGSTRUCT",
                            AP_SIGNATURE_SECTION);
    if (all_zero(&image->layout, sizeof image->layout))
        return image_refuse(error, image->name, "has a SIGSTRUCT, but section %s is empty",
                            AP_LAYOUT_SECTION);
    return 0;
}

static int examine(struct image *image, struct image_error *error)
{
    struct elf elf;
    int r = elf_parse(image->name, image->bytes, image->size, &elf, error);

    if (r < 0)
        return r;
    image->layout_file_offset = elf.layout_file_offset;
    image->layout_image_offset = elf.layout_offset;
    image->signature_file_offset = elf.signature_file_offset;
    memcpy(&image->layout, image->bytes + elf.layout_file_offset, sizeof image->layout);
    memcpy(&image->sigstruct, image->bytes + elf.signature_file_offset, sizeof image->sigstruct);
    r = check_signature_section(image, error);
    if (r < 0 || all_zero(&image->layout, sizeof image->layout))
        return r;
    return layout_check(&image->layout, &elf, error);
}

/* Takes bytes over, whatever happens. */
static int adopt(const char *name, uint8_t *bytes, size_t size, struct image *ret_image,
                 struct image_error *error)
{
    struct image image = {.bytes = bytes, .size = size};
    int r;

    remember_name(&image, name);
    r = examine(&image, error);
    if (r < 0) {
        free(bytes);
        return r;
    }
    *ret_image = image;
    return 0;
}

static int read_all(int fd, const char *name, uint8_t *bytes, size_t size,
                    struct image_error *error)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = read(fd, bytes + done, size - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return image_fail(error, errno, name, "cannot be read: %s", strerror(errno));
        if (n == 0)
            return image_refuse(error, name, "became shorter while it was read");
        done += (size_t)n;
    }
    return 0;
}

static int read_file(int fd, const char *name, uint8_t **ret_bytes, size_t *ret_size,
                     struct image_error *error)
{
    struct stat st;
    uint8_t *bytes;
    int r;

    if (fstat(fd, &st) < 0)
        return image_fail(error, errno, name, "cannot be examined: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return image_refuse(error, name, "is not a regular file");
    if ((uint64_t)st.st_size > IMAGE_SIZE_MAX)
        return image_fail(error, EFBIG, name,
                          "has %" PRIu64 " bytes; an enclave file has at most %" PRIu64,
                          (uint64_t)st.st_size, IMAGE_SIZE_MAX);
    bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        return image_fail(error, ENOMEM, name, "does not fit into memory");
    r = read_all(fd, name, bytes, (size_t)st.st_size, error);
    if (r < 0) {
        free(bytes);
        return r;
    }
    *ret_bytes = bytes;
    *ret_size = (size_t)st.st_size;
    return 0;
}

int image_open(const char *path, struct image *ret_image, struct image_error *error)
{
    /* O_NONBLOCK: a FIFO is refused, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t *bytes = NULL;
    size_t size = 0;
    int r;

    if (fd < 0)
        return image_fail(error, errno, path, "cannot be opened: %s", strerror(errno));
    r = read_file(fd, path, &bytes, &size, error);
    close(fd);
    return r < 0 ? r : adopt(path, bytes, size, ret_image, error);
}

int image_from_memory(const char *name, const void *bytes, size_t size, struct image *ret_image,
                      struct image_error *error)
{
    uint8_t *copy;

    if (size > IMAGE_SIZE_MAX)
        return image_fail(error, EFBIG, name, "has %zu bytes; an enclave file has at most %" PRIu64,
                          size, IMAGE_SIZE_MAX);
    copy = malloc(size + 1);
    if (!copy)
        return image_fail(error, ENOMEM, name, "does not fit into memory");
    if (size)
        memcpy(copy, bytes, size);
    return adopt(name, copy, size, ret_image, error);
}

void image_close(struct image *image)
{
    free(image->bytes);
    memset(image, 0, sizeof *image);
}

bool image_is_signed(const struct image *image)
{
    return image->layout.magic == AP_LAYOUT_MAGIC && image->sigstruct.exponent == SGX_SIG_EXPONENT;
}
