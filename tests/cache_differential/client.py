"""The official client as a servant: one JSON request a line comes in, one JSON answer a line goes out."""

import json
import os
import sys
import traceback

# What libraries print goes elsewhere: standard output is for answers alone.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import huggingface_hub
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download


def file_of(cache, file):
    return [file.size_on_disk, os.path.relpath(file.blob_path, cache)]


def revision_of(cache, revision):
    files = {os.path.relpath(f.file_path, revision.snapshot_path): file_of(cache, f) for f in revision.files}
    return {"refs": sorted(revision.refs), "size": revision.size_on_disk, "files": files}


def scan(cache):
    info = scan_cache_dir(cache)
    repos = {
        f"{r.repo_type}/{r.repo_id}": {
            "size": r.size_on_disk,
            "files": r.nb_files,
            "revisions": {v.commit_hash: revision_of(cache, v) for v in r.revisions},
        }
        for r in info.repos
    }
    return {"size": info.size_on_disk, "warnings": [str(w) for w in info.warnings], "repos": repos}


def download(cache, steps):
    for step in steps:
        place = dict(repo_id=step["repo"], repo_type=step["kind"], revision=step["revision"], endpoint=step["endpoint"], cache_dir=cache)
        if step["files"] is None:
            snapshot_download(max_workers=1, **place)
        for file in step["files"] or []:
            try:
                hf_hub_download(filename=file, **place)
            except huggingface_hub.errors.EntryNotFoundError:
                pass  # asked for on purpose: the client remembers that it is not there


def strategy_of(info, request):
    """Selected revisions, selected files as (repository, commit or null, path), or what nothing points at."""
    if request["what"] == "revisions":
        return info.delete_revisions(*request["revisions"])
    if request["what"] == "detached":
        return info.delete_revisions(*sorted(v.commit_hash for r in info.repos for v in r.revisions if not v.refs))
    wanted = [tuple(file) for file in request["files"]]
    chosen = [
        file
        for repo in info.repos
        for revision in repo.revisions
        for file in revision.files
        for path in [os.path.relpath(file.file_path, revision.snapshot_path)]
        for name in [f"{repo.repo_type}/{repo.repo_id}"]
        if (name, revision.commit_hash, path) in wanted or (name, None, path) in wanted
    ]
    return info.delete_files(*chosen)


def strays(info):
    """Bytes of what `hf cache prune` frees besides detached revisions, as far as this version knows of such things."""
    size = sum(f.size_on_disk for f in getattr(info, "incomplete_files", ()))
    try:
        from huggingface_hub.utils import _shared_blobs
    except ImportError:
        return size
    return size + sum(_shared_blobs.unreferenced_shared_blobs(info.cache_dir).values())


def frees(cache, request):
    info = scan_cache_dir(cache)
    freed = strategy_of(info, request).expected_freed_size
    return freed + strays(info) if request["what"] == "detached" else freed


def delete(cache, request):
    if request["what"] == "detached":
        from huggingface_hub.cli.cache import prune

        prune(cache_dir=cache, yes=True, dry_run=False)
    else:
        strategy_of(scan_cache_dir(cache), request).execute()


def answer(request):
    cache = request.get("cache")
    if cache is not None:
        cache = os.path.realpath(cache)
    if request["do"] == "version":
        return huggingface_hub.__version__
    if request["do"] == "scan":
        return scan(cache)
    if request["do"] == "download":
        return download(cache, request["steps"])
    if request["do"] == "frees":
        return frees(cache, request)
    return delete(cache, request)


for line in sys.stdin:
    try:
        reply = {"ok": answer(json.loads(line))}
    except BaseException:
        reply = {"error": traceback.format_exc()}
    answers.write(json.dumps(reply) + "\n")
    answers.flush()
