/* How Google's credentials are found: as its own libraries do (application
 * default credentials).  docs/gcp.md tells operators.
 *
 *   GOOGLE_APPLICATION_CREDENTIALS, gcloud's application default credentials,
 *   the metadata server
 *
 * A file is one of service_account, authorized_user, external_account,
 * impersonated_service_account.  Of a binding's config these count: "project",
 * "impersonate", "ca-file".  All of it may block: worker threads only. */

#ifndef BOOTMEND_GCP_CREDENTIALS_H
#define BOOTMEND_GCP_CREDENTIALS_H

#include <base/clock.h>
#include <providers/credentials.h>
#include <providers/provider.h>

/* provider->authenticate; there is one audience: it is ignored.  ERR_AUTH for
 * everything that a repetition doesn't mend. */
struct credentials *gcp_authenticate (const struct binding *b,
                                      const char *audience,
                                      struct err **err) ATTR_USE;

/* The project of a binding: its own, GOOGLE_CLOUD_PROJECT, GCLOUD_PROJECT,
 * CLOUDSDK_CORE_PROJECT, the credentials file's, the metadata server's.
 * ERR_USAGE if there is none. */
char *gcp_project (const struct binding *b, struct err **err) ATTR_USE;

/* What lies around, for tests. */
struct gcp_surroundings {
  const char *(*variable) (void *opaque, const char *name); /* getenv */
  void *opaque;
  const struct clock *clock;
  struct transport *transport; /* NULL: libcurl; borrowed */
};

struct credentials *gcp_authenticate_in (const struct gcp_surroundings *around,
                                         const struct binding *b,
                                         struct err **err) ATTR_USE;
char *gcp_project_in (const struct gcp_surroundings *around,
                      const struct binding *b, struct err **err) ATTR_USE;

#endif
