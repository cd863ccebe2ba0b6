/* What the files of a look share; nobody else includes this.  See look.h. */

#ifndef BOOTMEND_AZURE_LOOK_INTERNAL_H
#define BOOTMEND_AZURE_LOOK_INTERNAL_H

#include "look.h"

/* So many are asked for by lists; fewer, one by one.  A look at many takes two
 * or three lists, each of which costs as much as five single ones (Compute's
 * limits: 300 a minute against ARM's 1,500). */
#define LOOK_MANY 6

struct look_at {
  const struct binding *b;
  const json_t *in;
  json_t *page; /* a copy of its own, of members that are shared */
  json_t *out;
};

bool look_is_finding (const struct look_at *at);
json_t *look_ask (const char *what, const char *key, const char *value);
json_t *look_queue (const struct look_at *at);
void look_push (struct look_at *at, json_t *ask_taken);
/* All is known of this VM that was asked for. */
void look_give (struct look_at *at, json_t *vm);
/* The next that has to be asked about it by itself, or it is given. */
void look_go_on_with (struct look_at *at, json_t *vm, const char *after);

/* --- look-lists.c --- */

/* Begins with lists, if it is about many; false: it is not. */
bool look_lists_begin (struct look_at *at);
bool look_lists_is (const char *what);
/* The request of an ask that is a list. */
void look_lists_call (const json_t *ask, struct azure_call *call,
                      const char **action);
void look_lists_read (struct look_at *at, const json_t *ask,
                      const json_t *root);
/* {id in lower case: id as it was asked for}; NULL: all that fit. */
json_t *look_wanted_of (const struct look_at *at);
/* Its queue is empty: what comes next, if something does. */
void look_lists_next (struct look_at *at);

/* --- look-lists-read.c --- */

void look_lists_page (struct look_at *at, const json_t *ask,
                      const json_t *root);

#endif
