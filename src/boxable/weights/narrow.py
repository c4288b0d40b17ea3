"""A compiled model for some of its classes: what is not asked for is not computed."""

from dataclasses import replace

from boxable.errors import WeightsError
from boxable.networks.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.vocabulary import ClassList, select
from boxable.vocabulary.selection import Selection
from boxable.weights.model import Description


def narrowed(graph: bytes, classes: Selection, name: str) -> bytes:
    """A graph that Boxable made, for the selected classes only.

    Raises UnknownClassError, and WeightsError, which begins with `name`, where it is no such graph.
    """
    import onnx  # a cached graph does not need it

    from boxable.networks.class_columns import keep_columns
    from boxable.networks.onnx_graph import open_onnx

    model = open_onnx(graph, name)
    whole = Description.from_metadata({item.key: item.value for item in model.metadata_props}, name)
    chosen = ClassList(select(classes, whole.classes))
    if len(chosen) == len(whole.classes):
        return graph
    try:
        keep_columns(model, whole.network, [whole.classes.column(item) for item in chosen])
    except (ValueError, TypeError, IndexError):
        raise WeightsError(f"{name}: its class heads are not those of {whole.network.name}") from None
    del model.metadata_props[:]
    part = replace(whole, classes=chosen, network=ssd_mobilenet_v2(len(chosen)))
    onnx.helper.set_model_props(model, part.to_metadata())
    return bytes(model.SerializeToString())
