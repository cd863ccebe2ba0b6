/* Bytes that must not stay behind: keys, tokens, passwords.
 *
 * A secret's memory is kept out of core dumps and swap where the kernel lets
 * us, and is overwritten before it is freed.  Never print one, never put one
 * into argv, a journal or a json_t that is logged. */

#ifndef BOOTMEND_SECRET_H
#define BOOTMEND_SECRET_H

#include <stddef.h>

#include <base/mem.h>

struct secret {
  char *data; /* terminated, so that a text can be used as one */
  size_t len;
};

#define CLEANUP_SECRET CLEANUP (cleanup_secret)

/* data NULL: len bytes of zeros, to be filled. */
struct secret *secret_new (const void *data, size_t len);
/* Takes over a malloced string: copies it, then wipes and frees the original.
 */
struct secret *secret_take_string (char *text);
void secret_free (struct secret *secret);
void cleanup_secret (struct secret **secret);

/* Reads a file (or what has no size, like a pipe) of at most max_bytes. */
struct err;
struct secret *secret_read_file (const char *path, size_t max_bytes,
                                 struct err **err) ATTR_USE;

/* Overwrites memory in a way that the compiler can't leave out. */
void wipe (void *ptr, size_t len);

/* free and realloc that overwrite what they give back, for libraries that let
 * us choose: they keep copies of what passes through them. */
void wiping_free (void *ptr);
void *wiping_realloc (void *ptr, size_t size);

/* Overwrites the stack below the caller's frame: what functions that have
 * returned left there, also the vector registers that the dynamic linker and
 * signal handlers put there. */
void secret_scrub_stack (void);

/* Called once by a program that will hold secrets: no core dumps of it. */
void secret_no_core_dumps (void);

#endif
