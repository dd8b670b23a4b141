/* SPDX-License-Identifier: Apache-2.0 */
/* image_test.c - files that are opened */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.h"

static char folder[] = "/tmp/image_test.XXXXXX";
static char path[64];

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(image, .init = make_folder, .fini = remove_folder);

static void write_file(const struct sample *s)
{
    FILE *file = fopen(path, "wb");

    cr_assert(file && fwrite(s->bytes, 1, s->size, file) == s->size && fclose(file) == 0);
}

Test(image, an_unsigned_file_opens_and_says_that_it_is_unsigned)
{
    struct image_error error;
    struct image image;

    cr_assert_eq(image_open(TEST_ENCLAVE, &image, &error), 0, "%s", error.text);
    cr_assert_not(image_is_signed(&image));
    cr_assert_eq(image.layout_image_offset % SGX_PAGE_SIZE, 0);
    image_close(&image);
    cr_assert_null(image.bytes);
}

Test(image, an_unsigned_file_has_no_load_plan)
{
    struct image_error error;
    struct image image;
    struct plan plan;

    cr_assert_eq(image_open(TEST_ENCLAVE, &image, &error), 0);
    cr_assert_eq(plan_make(&image, &plan, &error), -ENOEXEC);
    cr_assert(strstr(error.text, "does not begin with the word APERTURE"));
    image_close(&image);
}

Test(image, a_missing_file_gives_the_errno_of_open)
{
    struct image_error error;
    struct image image;

    cr_assert_eq(image_open(path, &image, &error), -ENOENT);
    cr_assert(strstr(error.text, "No such file"));
}

Test(image, a_folder_is_not_read)
{
    struct image_error error;
    struct image image;

    cr_assert_eq(image_open(folder, &image, &error), -ENOEXEC);
    cr_assert(strstr(error.text, "is not a regular file"));
}

Test(image, a_fifo_is_refused_without_waiting_for_a_writer, .timeout = 5)
{
    struct image_error error;
    struct image image;

    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(image_open(path, &image, &error), -ENOEXEC);
    cr_assert(strstr(error.text, "is not a regular file"));
}

Test(image, a_file_beyond_the_limit_is_refused_before_it_is_read)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    struct image_error error;
    struct image image;

    cr_assert_eq(ftruncate(fd, (off_t)IMAGE_SIZE_MAX + 1), 0);
    close(fd);
    cr_assert_eq(image_open(path, &image, &error), -EFBIG);
    cr_assert(strstr(error.text, "an enclave file has at most 4294967296"));
}

Test(image, an_empty_file_is_refused)
{
    struct sample empty = {.bytes = (uint8_t *)"", .size = 0};
    struct image_error error;
    struct image image;

    write_file(&empty);
    cr_assert_eq(image_open(path, &image, &error), -ENOEXEC);
    cr_assert(strstr(error.text, "is not an ELF file"));
}

Test(image, of_a_long_path_the_end_is_named)
{
    char name[400];
    struct image_error error;
    struct image image;

    memset(name, 'x', sizeof name);
    strcpy(name + sizeof name - 10, "/enc.so");
    cr_assert_eq(image_from_memory(name, "nothing", 7, &image, &error), -ENOEXEC);
    cr_assert_eq(strncmp(error.text, "...xxx", 6), 0);
    cr_assert(strstr(error.text, "/enc.so: is not an ELF file"));
}
