/* Looks that take several requests, without keeping state between them.
 *
 * EC2 shows one kind of thing a call, so that a VM's record is put together:
 * instances, then the volumes of all of them, then their types, and so on, 200
 * VMs at a time.  What is known so far travels as data: parse gives it as
 * out.next, build finds it as in.page (providers/provider.h).
 *
 * A look is a table of phases.  Each asks about its items, so many in a call;
 * a phase without items sends nothing.
 *
 *   state {phase, items, at, token, vms, ...}: phases keep what they found in
 *   members of their own. */

#ifndef BOOTMEND_AWS_LOOK_H
#define BOOTMEND_AWS_LOOK_H

#include "call.h"

struct look_at {
  const struct binding *b;
  const json_t *in;
  json_t *state;
  json_t *chunk; /* the items of this request; NULL before there is one */
};

struct look_phase {
  const char *name;
  enum aws_action action;
  unsigned chunk;
  /* What it asks about, made from the state when the phase begins: an array of
   * texts (new reference); NULL or empty: nothing. */
  json_t *(*items) (const struct look_at *at);
  /* Appends the parameters but NextToken (for KMS: the JSON body). */
  void (*fill) (const struct look_at *at, struct strbuf *form);
  void (*read) (const struct look_at *at, const json_t *root);
  /* A reply that is an error: true if the look goes on all the same.  NULL: it
   * does not. */
  bool (*failed) (const struct look_at *at, const struct http_reply *reply,
                  const struct err *err);
  /* Once a page: what comes after it is for the pages behind (state.rest). */
  bool pages;
};

struct look {
  const struct look_phase *const *phases;
  size_t n;
  /* out of a finished state; may hand out "next". */
  json_t *(*finish) (const struct look_at *at);
};

int look_build (const struct look *look, const struct binding *b,
                const json_t *in, struct http_request *req, struct err **err);
int look_parse (const struct look *look, const struct binding *b,
                const json_t *in, const struct http_reply *reply, json_t **out,
                struct err **err);

/* look-vms.c, look-disks.c */
extern const struct look aws_look_vms, aws_look_disks;

#endif
