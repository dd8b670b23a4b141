/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_say PROCESSES THREADS LINES - write to a JSON trace, all at once, whatever strings may hold
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.h"

static unsigned lines;

static void *say(void *arg)
{
    unsigned seed = *(unsigned *)arg;

    for (unsigned i = 0; i < lines; i++) {
        char path[2001];
        const size_t size = (size_t)rand_r(&seed) % sizeof path;

        for (size_t j = 0; j < size; j++)
            path[j] = (char)(1 + rand_r(&seed) % 255);
        path[size] = '\0';
        TRACE_EMIT_(7, TRACE_OPEN, NULL, TRACE_FOR_ALL, trace_string("path", "%", path),
                    trace_number("size", "%", size));
        TRACE("about", "%.100s", path);
    }
    return NULL;
}

static int run_threads(unsigned process, unsigned threads)
{
    pthread_t thread[64];
    unsigned seeds[64];

    for (unsigned i = 0; i < threads; i++) {
        seeds[i] = process * 100 + i;
        if (pthread_create(&thread[i], NULL, say, &seeds[i]) != 0)
            return 1;
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    return 0;
}

int main(int argc, char **argv)
{
    const unsigned processes = argc == 4 ? (unsigned)atoi(argv[1]) : 0;
    const unsigned threads = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
    int status, failed = 0;

    if (!processes || processes > 64 || !threads || threads > 64)
        return 2;
    lines = (unsigned)atoi(argv[3]);
    for (unsigned i = 0; i < processes; i++)
        if (fork() == 0)
            _exit(run_threads(i, threads));
    while (wait(&status) > 0)
        failed |= status;
    return failed != 0;
}
