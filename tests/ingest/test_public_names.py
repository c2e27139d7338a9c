"""What `suprsend_async.ingest` offers; a name that is there stays there."""

from suprsend_async import ingest

NAMES = """
Arrow CheckpointError CheckpointFile CheckpointStore Content DeadLetterFile DeadLetterMapping DeadLetters Delimited
EventMapping FailedRow FileContent InDoubt IngestProgress IngestReport JsonLines ListMapping MappingError Parquet
PartitionFailure PartitionReport Plan Position ResentDeadLetters Row Runner RunnerOptions Source SourceError
SourceOptions StandardInput UserMapping WorkflowMapping asend_partition mapping_of open_sources read_mapping
send_partition
"""


def test_the_names() -> None:
    assert ingest.__all__ == NAMES.split()
    assert all(hasattr(ingest, name) for name in ingest.__all__)
