/* Plays an operation of the provider: builds a request, reads a reply, until it
 * has ended. */

#ifndef BOOTMEND_TEST_AZURE_PLAY_H
#define BOOTMEND_TEST_AZURE_PLAY_H

#include <CUnit/CUnit.h>

#include <provider-azure/azure-provider.h>
#include <providers/provider.h>

#include "quoted.h"

#define SUB   "/subscriptions/00000000-0000-0000-0000-000000000001"
#define GROUP SUB "/resourcegroups/g/providers/microsoft.compute"
#define VM    GROUP "/virtualmachines/vm1"
#define DISK  GROUP "/disks/Vm1_OsDisk"

struct play_reply {
  int status;
  const char *headers; /* "Name: value\nName: value" */
  const char *body;    /* ' stands for " */
};

struct play {
  struct binding binding;
  json_t *out;       /* of the last part, NULL after an error */
  struct err *err;   /* NULL without one */
  char *sent;        /* "GET URL\nBODY\n" of all requests */
  int64_t waited_ms; /* the sum of after_ms */
  unsigned requests;
};

void play_init (struct play *p);
void play_release (struct play *p);
#define CLEANUP_PLAY CLEANUP (play_release)

/* `in`: JSON, ' stands for ".  Replies in order; all must be asked for.  Lists
 * of all parts are joined into out. */
void play (struct play *p, enum op_id op, const char *in,
           const struct play_reply *replies, size_t n);

#endif
