/* What campaign.c (finding VMs), campaign-store.c (its folder and journal),
 * campaign-run.c (running) and report.c share. */

#ifndef BOOTMEND_CAMPAIGN_INTERNAL_H
#define BOOTMEND_CAMPAIGN_INTERNAL_H

#include "admission.h"
#include "campaign.h"
#include "world-real.h"

DEFINE_VEC (struct binding *, binding_vec);

struct campaign {
  json_t *data; /* what the journal keeps: request, id, created, ... */
  const char *id;
  char *folder; /* STATE/ID; NULL before campaign_begin */
  struct journal *journal;
  bool announced; /* who works on it now is in the journal */
  struct policy *policy;
  struct binding_vec bindings;
  /* Asked once and then not needed: a thread may still look for their
   * credentials, so they live as long as the world. */
  struct binding_vec retired;
  /* [{words, binding: its place in the list above}]: what each was asked for
   * with. */
  json_t *asked_bindings;
  struct job_vec jobs;
  struct job_vec bystanders; /* while only some jobs are run: the others */
  json_t *missing;
  bool planned; /* its waves are those of a plan */
  struct world_real *real;
  struct helpers *helpers;         /* NULL: none is needed */
  struct key_sources *key_sources; /* until the world's desk has them */
  bool keys_open;
  bool own_keys; /* sources of keys were given to this run */
  bool ready;    /* see campaign_make_ready */
};

/* A campaign with its policy and world; takes data. */
struct campaign *campaign_new (json_t *data_taken, const char *evidence,
                               struct err **err);
/* NULL: there is none of that name, and which there are. */
const struct provider *campaign_provider (const char *name, struct err **err);
void campaign_binding_free (struct binding *binding);
/* The binding of a provider for these words of its own ({profile, region}, ...;
 * NULL: none), opened when first asked for. */
struct binding *campaign_binding (struct campaign *campaign,
                                  const char *provider, const json_t *words,
                                  struct err **err);
/* The one of a VM that was found in this campaign before. */
struct binding *campaign_binding_again (struct campaign *campaign,
                                        const json_t *found, struct err **err);
/* Helpers that the campaign's jobs need are looked at and their agents asked;
 * nothing is done for providers in place. */
int campaign_ready_helpers (struct campaign *campaign, struct err **err);
/* Asks, without doing it, for all that the strategies will need of each
 * binding; nothing is asked once a job has begun.  ERR_DENIED names what is
 * missing. */
int campaign_check_permissions (struct campaign *campaign,
                                struct err **err) ATTR_USE;
/* Finds the VMs of data's selection: a job for each, and their bindings. */
int campaign_select (struct campaign *campaign, struct err **err) ATTR_USE;
/* Adds a job for a found VM unless it has one; NULL: it has. */
struct job *campaign_add (struct campaign *campaign, const json_t *vm,
                          struct binding *binding,
                          const struct strategy *strategy);

/* Opens the sources of keys, once, before any agent is started. */
int campaign_open_keys (struct campaign *campaign, struct err **err) ATTR_USE;

/* All that has to be known before a VM is touched: agents answer, helpers run,
 * permissions are there. */
int campaign_make_ready (struct campaign *campaign, struct err **err) ATTR_USE;

char *campaign_journal_path (const char *folder);
/* When the campaign of this id was begun, by its name; -1: that is no id. */
int64_t campaign_begun_ms (const char *id);

#endif
