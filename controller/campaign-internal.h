/* What campaign.c (finding VMs), campaign-store.c (its folder and journal),
 * campaign-run.c (running) and report.c share. */

#ifndef BOOTMEND_CAMPAIGN_INTERNAL_H
#define BOOTMEND_CAMPAIGN_INTERNAL_H

#include "campaign.h"
#include "world-real.h"

DEFINE_VEC (struct binding *, binding_vec);

struct campaign {
  json_t *data; /* what the journal keeps: request, id, created, ... */
  const char *id;
  char *folder; /* STATE/ID; NULL before campaign_begin */
  struct journal *journal;
  struct policy *policy;
  struct binding_vec bindings;
  struct job_vec jobs;
  json_t *missing;
  struct world_real *real;
};

/* A campaign with its policy and world; takes data. */
struct campaign *campaign_new (json_t *data_taken, const char *evidence,
                               struct err **err);
/* The binding of a provider, opened when first asked for. */
struct binding *campaign_binding (struct campaign *campaign,
                                  const char *provider, struct err **err);
/* Adds a job for a found VM unless it has one; NULL: it has. */
struct job *campaign_add (struct campaign *campaign, const json_t *vm,
                          struct binding *binding,
                          const struct strategy *strategy);

/* Starts the helper's agent, if any VM is left to repair, and hears its hello.
 */
int campaign_check_agent (struct campaign *campaign, struct err **err) ATTR_USE;

char *campaign_journal_path (const char *folder);

#endif
