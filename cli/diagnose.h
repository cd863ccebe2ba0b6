/* What `bootmend diagnose` of images and of VMs share. */

#ifndef BOOTMEND_CLI_DIAGNOSE_H
#define BOOTMEND_CLI_DIAGNOSE_H

#include <base/vec.h>
#include <diagnoses/diagnoses.h>

#include "command.h"

struct patient {
  char *name;
  json_t *diagnoses; /* see diagnose (); NULL: nothing could be read */
  json_t *seen;      /* facts of its disk: [{fact, what, value}]; or NULL */
  char *problem;     /* why not */
  char *problem_id;  /* "refused", "no-console", ... */
};
DEFINE_VEC (struct patient, patient_vec);

void patients_release (struct patient_vec *patients);
#define CLEANUP_PATIENTS CLEANUP (patients_release)

void patient_add (struct patient_vec *patients,
                  const struct diagnosis_rules *rules, const char *name,
                  const json_t *findings);
void patient_add_problem (struct patient_vec *patients, const char *name,
                          const char *id, const char *problem);

/* Prints all of it and returns the exit code; what: "vms" or "images". */
int diagnose_show (const struct cli *cli, struct patient_vec *patients,
                   const char *what);

/* The agent's work on one image, and the findings of its result; NULL: it has
 * none, because the image could not be looked into. */
struct image;
json_t *diagnose_request (const struct cli *cli, const struct image *image,
                          json_t *recipes);
json_t *diagnose_findings (const json_t *result);

/* What is known of one VM. */
struct vm_reading {
  const struct job *job;
  json_t *findings;  /* of its console, or NULL */
  char *problem;     /* why not */
  json_t *disk;      /* of its disk, or NULL */
  char *disk_unread; /* why not */
};

/* Reads the disks of those VMs that are off, where the agent can reach them as
 * they are (libvirt on this machine).  What can't be read is told in
 * disk_unread, or as a warning if it is the same for all. */
void diagnose_vm_disks (struct cli *cli, struct vm_reading *readings, size_t n);

int diagnose_images (struct cli *cli, const struct diagnosis_rules *rules,
                     struct patient_vec *patients, struct err **err) ATTR_USE;
int diagnose_vms (struct cli *cli, const struct diagnosis_rules *rules,
                  struct patient_vec *patients, struct err **err) ATTR_USE;

#endif
