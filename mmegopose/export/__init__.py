"""Models as files for programs without this package."""
from ..models.onnx_program import require_onnx
from .exporting import Exported, export_model, ported
from .onnx_file import OnnxModel
from .ported_module import Port, PortedModule

__all__ = ['Exported', 'OnnxModel', 'Port', 'PortedModule', 'export_model', 'ported', 'require_onnx']
